"""The innermost loops of matrix products, as vector instructions.

Both keep a small tile of the result in vector registers while k runs, and are written in LLVM's own language, because
no loop in Python tells the compiler which numbers to keep in registers. Beside each stands its meaning in NumPy, which
runs instead when Numba's compiler is switched off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

# Bytes of a vector register; with the 16 registers of AVX2 a tile of 4 x 3 vectors leaves room for its factors.
REGISTER = 64 if llvm.get_host_cpu_features().get("avx512f") else 32
INT = ir.IntType(64)
CONTRACT = ("contract",)  # a·b + c may become one fused instruction


def make_tile(rows: int, vectors: int, part: int = 1):
    """C[i, j] (+)= Σ_k A[i, k] · B[k, j] for `rows` rows i and `vectors` vectors of neighbouring columns j.

    A[i, k] stands at a + i·ai + k·ak, B[k, j] at b + k·ldb + j, C[i, j] at c + i·ldc + j. A vector is 1/part of a
    register; part 0 means a single number. With add != 0 the old C is added. A, B and C are pointers.
    """

    @intrinsic
    def tile(typing, A, a, ai, ak, B, b, ldb, C, c, ldc, K, add):
        signature = types.void(A, *[types.int64] * 3, B, types.int64, types.int64, C, *[types.int64] * 4)

        def generate(context, builder, signature, arguments):
            A, a, ai, ak, B, b, ldb, C, c, ldc, K, add = arguments
            code = _Code(context, builder, signature.args[0], part)
            pa, pb, pc = code.pointer(A, a), code.pointer(B, b), code.pointer(C, c)
            starts = [builder.gep(pa, [builder.mul(ai, INT(i))]) for i in range(rows)]

            def body(k, sums):
                row = builder.gep(pb, [builder.mul(k, ldb)])
                bs = [code.load(row, j * code.width) for j in range(vectors)]
                column = builder.mul(k, ak)
                new = []
                for i in range(rows):
                    x = code.splat(builder.load(builder.gep(starts[i], [column]), align=code.size))
                    new += [code.multiply_add(x, bs[j], sums[i * vectors + j]) for j in range(vectors)]
                return new

            sums = code.loop(K, INT(1), [code.zero] * (rows * vectors), body)
            with builder.if_else(builder.icmp_signed("!=", add, INT(0))) as (yes, no):
                for branch, old in ((yes, True), (no, False)):
                    with branch:
                        for i in range(rows):
                            row = builder.gep(pc, [builder.mul(ldc, INT(i))])
                            for j in range(vectors):
                                value = sums[i * vectors + j]
                                if old:
                                    value = builder.fadd(value, code.load(row, j * code.width))
                                code.store(value, row, j * code.width)
            return context.get_dummy_value()

        return signature, generate

    return tile


def make_dots(rows: int, columns: int):
    """C[i, j] = Σ_k A[i, k] · B[j, k] for `rows` rows i and `columns` columns j: both factors have k side by side.

    A[i, k] stands at a + i·lda + k, B[j, k] at b + j·ldb + k, C[i, j] at c + i·ldc + j. The lanes of a vector are
    added in a fixed tree at the end, then what K leaves over, number by number.
    """

    @intrinsic
    def dots(typing, A, a, lda, B, b, ldb, C, c, ldc, K):
        signature = types.void(A, types.int64, types.int64, B, types.int64, types.int64, C, *[types.int64] * 3)

        def generate(context, builder, signature, arguments):
            A, a, lda, B, b, ldb, C, c, ldc, K = arguments
            code = _Code(context, builder, signature.args[0], 1)
            one = _Code(context, builder, signature.args[0], 0)
            pa, pb, pc = code.pointer(A, a), code.pointer(B, b), code.pointer(C, c)
            a_rows = [builder.gep(pa, [builder.mul(lda, INT(i))]) for i in range(rows)]
            b_rows = [builder.gep(pb, [builder.mul(ldb, INT(j))]) for j in range(columns)]

            def step(code):
                def body(k, sums):
                    bs = [code.load(builder.gep(row, [k]), 0) for row in b_rows]
                    new = []
                    for i in range(rows):
                        x = code.load(builder.gep(a_rows[i], [k]), 0)
                        new += [code.multiply_add(x, bs[j], sums[i * columns + j]) for j in range(columns)]
                    return new

                return body

            whole = builder.and_(K, INT(-code.width))  # widths are powers of two
            sums = code.loop(whole, INT(code.width), [code.zero] * (rows * columns), step(code))
            sums = one.loop(K, INT(1), [code.across(s) for s in sums], step(one), start=whole)
            for i in range(rows):
                row = builder.gep(pc, [builder.mul(ldc, INT(i))])
                for j in range(columns):
                    one.store(sums[i * columns + j], row, j)
            return context.get_dummy_value()

        return signature, generate

    return dots


def external(name: str, *arguments):
    """(signature, code) of a call of the C function rnnlm_NAME_float32 or …_float64, for an intrinsic's body.

    Arrays are handed over as pointers to their data, everything else as integers. Were the function an ordinary
    compiled one, each kernel that calls it would contain it, and take as long to compile. `product.py` defines the two
    that there are.
    """
    kinds = [argument if isinstance(argument, types.Array) else types.int64 for argument in arguments]

    def generate(context, builder, signature, values):
        array = next(kind for kind in kinds if isinstance(kind, types.Array))
        pointer = context.get_data_type(array.dtype).as_pointer()
        native = [
            context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
            for kind, value in zip(kinds, values, strict=True)
        ]
        native_types = [pointer if isinstance(kind, types.Array) else INT for kind in kinds]
        function_type = ir.FunctionType(ir.VoidType(), native_types)
        function = cgutils.get_or_insert_function(builder.module, function_type, f"rnnlm_{name}_{array.dtype}")
        builder.call(function, native)
        return context.get_dummy_value()

    return types.void(*kinds), generate


@intrinsic
def float_of_bits(typing, bits):
    """The float32 whose bit pattern is this int32."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


class _Code:
    """Writing vector code for one element type: loads, stores, loops that carry sums in registers."""

    def __init__(self, context, builder, pointer, part: int) -> None:
        self.builder = builder
        element = context.get_data_type(pointer.dtype)
        self.size = pointer.dtype.bitwidth // 8
        self.width = REGISTER // self.size // part if part else 1
        self.type = ir.VectorType(element, self.width) if self.width > 1 else element
        self.zero = ir.Constant(self.type, None if self.width > 1 else 0.0)

    def pointer(self, data, offset):
        return self.builder.gep(data, [offset])

    def _place(self, pointer, offset: int):
        place = self.builder.gep(pointer, [INT(offset)]) if offset else pointer
        return self.builder.bitcast(place, self.type.as_pointer()) if self.width > 1 else place

    def load(self, pointer, offset: int):
        return self.builder.load(self._place(pointer, offset), align=self.size)

    def store(self, value, pointer, offset: int) -> None:
        self.builder.store(value, self._place(pointer, offset), align=self.size)

    def splat(self, number):
        """A vector of the same number in every lane."""
        if self.width == 1:
            return number
        nothing = ir.Constant(self.type, ir.Undefined)
        first = self.builder.insert_element(nothing, number, ir.IntType(32)(0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        return self.builder.shuffle_vector(first, nothing, everywhere)

    def multiply_add(self, x, y, z):
        return self.builder.fadd(z, self.builder.fmul(x, y, flags=CONTRACT), flags=CONTRACT)

    def across(self, vector):
        """The sum of a vector's lanes: the upper half onto the lower one, until one number is left."""
        lanes = self.width
        while lanes > 1:
            lanes //= 2
            halves = [
                ir.Constant(ir.VectorType(ir.IntType(32), lanes), list(range(first, first + lanes)))
                for first in (0, lanes)
            ]
            low, high = (self.builder.shuffle_vector(vector, vector, half) for half in halves)
            vector = self.builder.fadd(low, high)
        return self.builder.extract_element(vector, ir.IntType(32)(0)) if self.width > 1 else vector

    def loop(self, end, step, first: list, body, start=None) -> list:
        """for k in range(start, end, step): sums = body(k, sums). The sums stay in registers (phi nodes)."""
        builder, start = self.builder, INT(0) if start is None else start
        before = builder.block
        loop, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed("<", start, end), loop, after)
        builder.position_at_end(loop)
        k = builder.phi(INT)
        k.add_incoming(start, before)
        sums = [builder.phi(value.type) for value in first]
        for phi, value in zip(sums, first, strict=True):
            phi.add_incoming(value, before)
        new = body(k, sums)
        following, last = builder.add(k, step), builder.block
        k.add_incoming(following, last)
        for phi, value in zip(sums, new, strict=True):
            phi.add_incoming(value, last)
        builder.cbranch(builder.icmp_signed("<", following, end), loop, after)
        builder.position_at_end(after)
        results = []
        for value, carried in zip(first, new, strict=True):
            phi = builder.phi(value.type)
            phi.add_incoming(value, before)
            phi.add_incoming(carried, last)
            results.append(phi)
        return results
