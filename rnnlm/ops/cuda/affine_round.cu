// The two factors of a product rounded to bfloat16, each (rows, columns) in rows of `room` numbers, a multiple of 8, so
// that the tensor cores' loads are aligned; what is beyond the columns is not read by the product. Replaces a
// conversion of each factor by one launch for both: blockIdx.y says which. One thread writes two neighbours.
#include "common.cuh"

__device__ __forceinline__ void round_rows(const float* __restrict__ x, int rows, int columns, unsigned* __restrict__ y,
                                           int room) {
  const int pairs = room / 2;
  for (long long row = blockIdx.x; row < rows; row += gridDim.x)
    for (int pair = threadIdx.x; pair < pairs; pair += blockDim.x) {
      const float* from = x + row * columns + 2 * pair;
      const float low = 2 * pair < columns ? from[0] : 0.0f, high = 2 * pair + 1 < columns ? from[1] : 0.0f;
      y[row * pairs + pair] = pair_bf16(low, high);
    }
}

extern "C" __global__ void __launch_bounds__(128)
affine_round(const float* a, int a_rows, int a_columns, unsigned* a16, int a_room, const float* b, int b_rows,
             int b_columns, unsigned* b16, int b_room) {
  if (blockIdx.y == 0) round_rows(a, a_rows, a_columns, a16, a_room);
  else round_rows(b, b_rows, b_columns, b16, b_room);
}
