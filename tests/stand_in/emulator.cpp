// The threads of a grid, each a fiber, run one after another until all of them are done.
#include "emulator.h"
#include <csetjmp>
#include <csignal>
#include <ucontext.h>
#include <vector>

namespace emulated {

constexpr size_t STACK = 128 * 1024;

// A place for a thread. Its stack and its context stay when the thread is done, and run the next one.
struct Fiber : Thread {
  bool begun = false, done = false;
  const Group* awaited = nullptr;  // it goes on when this group's generation is another one than `seen`
  unsigned seen = 0;
  jmp_buf here;
};

Thread* current;
dim3 grid, block;
unsigned long long progress;
static jmp_buf scheduler;
static void (*body)(void*);
static void* body_data;

// What is not aligned traps, by -fsanitize=alignment or by the processor, and what is no memory does so anyway.
static int fault;
constexpr int FAULTS[] = {SIGILL, SIGTRAP, SIGSEGV};

static void note_fault(int signal, siginfo_t* info, void*) {
  fault = signal == SIGSEGV && info->si_code == SEGV_MAPERR ? 4 : 3;
  _longjmp(scheduler, 1);
}

struct Watch {  // for as long as it lives
  struct sigaction before[3];
  Watch() {
    struct sigaction mine = {};
    mine.sa_sigaction = note_fault;
    mine.sa_flags = SA_SIGINFO | SA_NODEFER;
    fault = 0;
    for (int i = 0; i < 3; i++) sigaction(FAULTS[i], &mine, &before[i]);
  }
  ~Watch() {
    for (int i = 0; i < 3; i++) sigaction(FAULTS[i], &before[i], nullptr);
  }
};

void give_way() {
  if (!_setjmp(static_cast<Fiber*>(current)->here)) _longjmp(scheduler, 1);
}

void wait(Group& g) {
  if (++g.arrived == g.alive) { g.arrived = 0; g.generation++; progress++; return; }
  Fiber* mine = static_cast<Fiber*>(current);
  mine->awaited = &g;
  mine->seen = g.generation;
  give_way();
}

static void leave(Group& g) {
  if (--g.alive && g.arrived == g.alive) { g.arrived = 0; g.generation++; }
}

static void live() {
  for (;;) {
    body(body_data);
    leave(*current->block);
    leave(*current->warp);
    static_cast<Fiber*>(current)->done = true;
    progress++;
    give_way();
  }
}

static void resume(Fiber& fiber, char* stack) {
  current = &fiber;
  if (_setjmp(scheduler)) return;
  if (fiber.begun) _longjmp(fiber.here, 1);
  fiber.begun = true;
  static ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = STACK;
  context.uc_link = nullptr;
  makecontext(&context, live, 0);
  setcontext(&context);
}

// A place for each thread of a grid that runs at the same time; they stay for the next grid.
static std::vector<Fiber> fibers;
static char* stacks;

static void places_for(unsigned many) {
  if (fibers.size() >= many) return;
  free(stacks);
  stacks = (char*)malloc(many * STACK);
  fibers.assign(many, Fiber());
}

static int given_up(int why) {
  fibers.clear();  // they are left where they are, and new ones run the next grid
  return why;
}

// Runs the grid; order 0: threads one after another, 1: from the last to the first, more: shuffled by that seed.
// Returns 0, or 1 when all threads wait for something that does not come, 2 for a block that is impossible, 3 when
// several numbers are read or written at once that do not begin where they must, 4 when there is no memory.
int run(dim3 g, dim3 b, size_t shared, bool together, unsigned order, void (*f)(void*), void* data) {
  grid = g; block = b; body = f; body_data = data;
  unsigned per_block = b.x * b.y * b.z, blocks = g.x * g.y * g.z, at_once = together ? blocks : 1;
  if (per_block % 32) { fprintf(stderr, "a block of %u threads is no multiple of a warp\n", per_block); return 2; }
  Watch watch;
  const unsigned many = per_block * at_once;
  places_for(many);
  std::vector<Block> resident(at_once);
  std::vector<Warp> warps(many / 32);
  size_t room = (shared + 15) / 16 * 16 + 16;
  std::vector<char> memory(room * at_once + 16);
  char* aligned = (char*)(((uintptr_t)memory.data() + 15) & ~(uintptr_t)15);
  std::vector<unsigned> sequence(many);
  unsigned long long random = order * 2654435761ull + 1;
  auto drawn = [&] { return random = random * 6364136223846793005ull + 1442695040888963407ull; };
  unsigned late = 0;
  std::vector<bool> rests(at_once), lags(many / 32);
  for (unsigned base = 0; base < blocks; base += at_once) {
    memset(aligned, 0xff, room * at_once);
    for (unsigned k = 0; k < at_once; k++) {
      unsigned number = order == 1 ? blocks - 1 - (base + k) : base + k;
      Block& mine = resident[k];
      mine.index = dim3(number % g.x, number / g.x % g.y, number / g.x / g.y);
      mine.shared = aligned + k * room;
      mine.alive = per_block; mine.arrived = mine.generation = 0;
      for (unsigned i = 0; i < per_block; i++) {
        Fiber& t = fibers[k * per_block + i];
        t.index = dim3(i % b.x, i / b.x % b.y, i / b.x / b.y);
        t.lane = i % 32; t.block = &mine; t.warp = &warps[(k * per_block + i) / 32];
        t.done = false; t.awaited = nullptr;
      }
    }
    for (Warp& w : warps) { w.alive = 32; w.arrived = w.generation = 0; }
    for (unsigned i = 0; i < many; i++) sequence[i] = order == 1 ? many - 1 - i : i;
    unsigned left = many, idle = 0, round = 0;
    while (left) {
      if (order > 1)
        for (unsigned i = many - 1; i > 0; i--) std::swap(sequence[i], sequence[(drawn() >> 33) % (i + 1)]);
      if (order > 1 && at_once > 1 && round++ % 16 == 0)  // some blocks lag behind the others
        for (unsigned k = 0; k < at_once; k++) rests[k] = drawn() >> 63;
      if (order > 1 && late++ % 64 == 0)  // and some warps behind the others
        for (unsigned k = 0; k < many / 32; k++) lags[k] = drawn() >> 63;
      unsigned long long before = progress;
      for (unsigned i : sequence) {
        Fiber& t = fibers[i];
        if (t.done || rests[i / per_block] || lags[i / 32]) continue;
        if (t.awaited && t.awaited->generation == t.seen) continue;
        t.awaited = nullptr;
        resume(t, stacks + i * STACK);
        if (fault) return given_up(fault);
        if (t.done) left--;
      }
      idle = progress == before ? idle + 1 : 0;
      if (idle > 1000) return given_up(1);
    }
  }
  return 0;
}

}  // namespace emulated
