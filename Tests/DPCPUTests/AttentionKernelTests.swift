import CDPKernels
import DPGraph
import Foundation
import TestSupport
import Testing

/// Compares the attention kernels with plain loops in double precision at each level of instructions.
@Suite("Attention kernels")
struct AttentionKernelTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var batch = 2
        var queries: Int
        /// Nil for self-attention.
        var keys: Int?
        var heads: Int
        var columns: Int
        var lead = -1
        var drops = false
        var threads = 1

        var testDescription: String {
            "\(queries) to \(keys ?? queries), \(heads) × \(columns), lead \(lead), \(drops ? "dropout" : "")"
        }

        static let all = [
            Case(batch: 1, queries: 16, heads: 2, columns: 64, lead: 0),
            Case(batch: 9, queries: 16, heads: 4, columns: 16, lead: 0, drops: true, threads: 2),
            Case(queries: 16, keys: 3, heads: 2, columns: 32, lead: 1, drops: true),
            Case(queries: 5, keys: 1, heads: 2, columns: 3), Case(queries: 1, heads: 1, columns: 1),
            Case(queries: 17, heads: 2, columns: 20, lead: 0, drops: true),
            Case(batch: 1, queries: 64, heads: 1, columns: 4, lead: 0),
            Case(batch: 1, queries: 70, heads: 2, columns: 2, lead: 0, drops: true),
            Case(batch: 1, queries: 130, keys: 33, heads: 1, columns: 2, lead: 1),
        ]
    }

    private let key = KernelArray(DropoutMask.pieces(of: 77), as: ck_float32)
    private let mask = DropoutMask(probability: 0.3, stream: 9)

    @Test(
        "forward and backward", arguments: Case.all,
        TransformerKernelTests.levels.flatMap { level in
            [(ck_float32, ck_float32), (ck_bfloat16, ck_bfloat16), (ck_bfloat16, ck_float32)].map {
                (level, $0.0, $0.1)
            }
        })
    func attention(test: Case, setting: (level: ck_level, format: ck_format, outFormat: ck_format)) {
        ck_cap_level_of_thread(setting.level)
        defer { ck_cap_level_of_thread(ck_avx512_bf16) }
        let (width, keys) = (test.heads * test.columns, test.keys ?? test.queries)
        let (queryStride, keyStride) = test.keys == nil ? (3 * width, 3 * width) : (width, 2 * width)
        let first = KernelArray(
            fill("q", count: test.batch * test.queries * queryStride, scale: 2), as: setting.format)
        let second =
            test.keys == nil
            ? first : KernelArray(fill("kv", count: test.batch * keys * keyStride, scale: 2), as: setting.format)
        let keyColumn = test.keys == nil ? width : 0
        let size = setting.format == ck_bfloat16 ? 2 : 4
        let count = test.batch * test.queries * width
        let (out, adjoint) = (
            KernelArray(count: count, as: setting.outFormat),
            KernelArray(fill("g", count: count), as: setting.outFormat)
        )
        let firstGradient = KernelArray(count: first.count, as: setting.format)
        let secondGradient = test.keys == nil ? firstGradient : KernelArray(count: second.count, as: setting.format)

        var attention = ck_attention(
            batch: test.batch, queries: test.queries, keys: keys, heads: test.heads, width: width, q: first.start,
            k: second.start + keyColumn * size, v: second.start + (keyColumn + width) * size,
            query_stride: queryStride, key_stride: keyStride, out: out.start, format: setting.format,
            out_format: setting.outFormat, lead: test.lead,
            dropout: ck_dropout(
                key: test.drops ? UnsafePointer(key.floats) : nil, stream: mask.stream, threshold: mask.threshold,
                scale: mask.scale),
            scratch: nil)
        let scratch = KernelArray(count: test.threads * ck_attention_scratch(&attention, 1), as: ck_float32)
        attention.scratch = scratch.floats
        ck_attention_forward(&attention, Int32(test.threads))
        attention.out = adjoint.start
        var gradient = ck_attention_gradient(
            attention: attention, dq: firstGradient.start, dk: secondGradient.start + keyColumn * size,
            dv: secondGradient.start + (keyColumn + width) * size)
        ck_attention_backward(&gradient, Int32(test.threads))

        let expected = expected(
            test, first.values.map(Double.init), second.values.map(Double.init), adjoint.values.map(Double.init))
        #expect(out.isClose(to: expected.out, within: 1e-5))
        #expect(firstGradient.isClose(to: expected.first, within: 1e-5))
        #expect(secondGradient.isClose(to: expected.second, within: 1e-5))
    }

    @Test(
        "NaN reaches the rows that attend to it, and no others", arguments: TransformerKernelTests.levels,
        [ck_float32, ck_bfloat16])
    func noNumber(level: ck_level, format: ck_format) {
        ck_cap_level_of_thread(level)
        defer { ck_cap_level_of_thread(ck_avx512_bf16) }
        let (queries, keys, heads, columns) = (5, 3, 2, 4)
        let width = heads * columns
        // Queries are positive, so their scores with an infinite key are infinite too, and the differences from the
        // largest score are NaN.
        var q = fill("q", count: queries * width, base: 1, scale: 0.5)
        var keysAndValues = fill("kv", count: keys * 2 * width)
        q[width + 2] = .nan
        keysAndValues[2 * 2 * width + columns] = .infinity
        let (first, second) = (KernelArray(q, as: format), KernelArray(keysAndValues, as: format))
        let out = KernelArray(count: queries * width, as: format)
        var attention = ck_attention(
            batch: 1, queries: queries, keys: keys, heads: heads, width: width, q: first.start, k: second.start,
            v: second.start + width * (format == ck_bfloat16 ? 2 : 4), query_stride: width, key_stride: 2 * width,
            out: out.start, format: format, out_format: format, lead: 0,
            dropout: ck_dropout(key: nil, stream: mask.stream, threshold: mask.threshold, scale: mask.scale),
            scratch: nil)
        let scratch = KernelArray(count: ck_attention_scratch(&attention, 0), as: ck_float32)
        attention.scratch = scratch.floats
        ck_attention_forward(&attention, 1)
        let values = out.values
        for query in 0..<queries {
            // The first head has one NaN query; the second has an infinite key, visible from the third query on.
            for (head, isLost) in [query == 1, query >= 2].enumerated() {
                let row = values[query * width + head * columns..<query * width + (head + 1) * columns]
                #expect(row.allSatisfy { isLost ? $0.isNaN : $0.isFinite }, "query \(query), head \(head)")
            }
        }
    }

    /// Computes the result and the gradients of the projections by definition; in self-attention, both gradients
    /// are those of the one projection.
    private func expected(
        _ test: Case, _ first: [Double], _ second: [Double], _ adjoint: [Double]
    ) -> (out: [Double], first: [Double], second: [Double]) {
        let (width, keys, isSelf) = (test.heads * test.columns, test.keys ?? test.queries, test.keys == nil)
        let (queryStride, keyStride) = isSelf ? (3 * width, 3 * width) : (width, 2 * width)
        var out = adjoint.map { _ in 0.0 }
        var (firstGradient, secondGradient) = (first.map { _ in 0.0 }, second.map { _ in 0.0 })
        let state = mask.state(key: key.values)
        let scale = 1 / Double(test.columns).squareRoot()
        for item in 0..<test.batch {
            for head in 0..<test.heads {
                for t in 0..<test.queries {
                    let q = (item * test.queries + t) * queryStride + head * test.columns
                    let result = (item * test.queries + t) * width + head * test.columns
                    func k(_ s: Int) -> Int {
                        (item * keys + s) * keyStride + (isSelf ? width : 0) + head * test.columns
                    }
                    let visible = test.lead < 0 ? keys : min(keys, t + test.lead + 1)
                    let scores: [Double] = (0..<visible).map { s in
                        let key = k(s)
                        let product: Double = (0..<test.columns).reduce(0) { $0 + first[q + $1] * second[key + $1] }
                        return scale * product
                    }
                    let largest = scores.max() ?? 0
                    let sum = scores.reduce(0) { $0 + exp($1 - largest) }
                    let weights = scores.map { exp($0 - largest) / sum }
                    let begin = ((item * test.heads + head) * test.queries + t) * keys
                    let factors = (0..<visible).map { s in
                        !test.drops ? 1 : mask.keeps(begin + s, state: state) ? Double(mask.scale) : 0
                    }
                    let slopes: [Double] = (0..<visible).map { s in
                        let value = k(s) + width
                        let product: Double = (0..<test.columns).reduce(0) {
                            $0 + adjoint[result + $1] * second[value + $1]
                        }
                        return factors[s] * product
                    }
                    let mean: Double = zip(weights, slopes).reduce(0) { $0 + $1.0 * $1.1 }
                    for s in 0..<visible {
                        for c in 0..<test.columns {
                            out[result + c] += weights[s] * factors[s] * second[k(s) + width + c]
                            let score = weights[s] * (slopes[s] - mean) * scale
                            let value = weights[s] * factors[s] * adjoint[result + c]
                            firstGradient[q + c] += score * second[k(s) + c]
                            if isSelf {
                                firstGradient[k(s) + c] += score * first[q + c]
                                firstGradient[k(s) + width + c] += value
                            } else {
                                secondGradient[k(s) + c] += score * first[q + c]
                                secondGradient[k(s) + width + c] += value
                            }
                        }
                    }
                }
            }
        }
        return (out, firstGradient, isSelf ? firstGradient : secondGradient)
    }
}
