// Neighbouring numbers at once: WIDE of them are one access to memory, 4 where rows begin at multiples of 16 bytes.
#pragma once
#include "common.cuh"

struct __align__(WIDE == 4 ? 16 : sizeof(real)) wide { real at[WIDE]; };
