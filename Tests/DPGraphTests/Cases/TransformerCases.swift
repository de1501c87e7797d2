import DPGraph

extension OperationCase {
    /// Operations of transformers.
    static let transformers: [OperationCase] =
        [
            gelu([], scale: 2), gelu([3, 5, 7], scale: 4), gelu([2, 16, 64], scale: 1), gelu([2, 33], scale: 12),
            OperationCase("gelu of large numbers", [.input("x", [200], scale: 300).constant]) { [$0["x"].gelu()] },
            dropout([3, 5, 7], probability: 0.3), dropout([2, 16, 64], probability: 0.9), dropout([33], probability: 0),
            layerNorm([2, 16, 64]), layerNorm([3, 5, 7]), layerNorm([4, 256]), layerNorm([18]),
            OperationCase("layer norm far from zero", [.input("x", [2, 8, 8], base: 30), gain(8), bias(8)]) {
                [$0["x"].layerNorm(gain: $0["norm.weight"], bias: $0["norm.bias"])]
            },
            OperationCase("layer norm with a large epsilon", [.input("x", [3, 6]), gain(6), bias(6)]) {
                [$0["x"].layerNorm(gain: $0["norm.weight"], bias: $0["norm.bias"], epsilon: 0.5)]
            },
        ]
        + [Attention.Mask.none, .causal(lead: 0), .causal(lead: 1)].flatMap { mask in
            [nil, DropoutMask(probability: 0.3, stream: 5)].flatMap { dropout in
                [
                    attention(Attention(heads: 2, mask: mask, dropout: dropout), batch: 2, times: 5, width: 6),
                    attention(Attention(heads: 4, mask: mask, dropout: dropout), batch: 3, times: 16, width: 64),
                    attention(
                        Attention(heads: 3, mask: mask, dropout: dropout), batch: 2, times: 7, keys: 3, width: 12),
                    attention(Attention(heads: 1, mask: mask, dropout: dropout), batch: 1, times: 2, keys: 9, width: 5),
                ]
            }
        }
        + [
            attention(Attention(heads: 2), batch: 2, times: 64, width: 32),
            attention(Attention(heads: 4), batch: 1, times: 16, keys: 1, width: 256),
            layer(batch: 2, times: 5, keys: 3, width: 8, probability: 0.3),
            layer(batch: 3, times: 16, keys: 2, width: 32, probability: 0.1),
            layer(batch: 1, times: 16, keys: 3, width: 32, probability: nil),
        ]

    private static let key = Argument.numbers("key", DropoutMask.pieces(of: 0x0123_4567_89AB_CDEF))
    private static func gain(_ channels: Int) -> Argument { .parameter("norm.weight", [channels]) }
    private static func bias(_ channels: Int) -> Argument { .parameter("norm.bias", [channels]) }

    private static func gelu(_ shape: Shape, scale: Float) -> OperationCase {
        OperationCase("gelu of \(shape) within ±\(scale)", [.input("x", shape, scale: scale)]) { [$0["x"].gelu()] }
    }

    private static func dropout(_ shape: Shape, probability: Float) -> OperationCase {
        OperationCase("dropout \(probability) of \(shape)", [.input("x", shape), key]) {
            [$0["x"].dropout(DropoutMask(probability: probability, stream: 3), key: $0["key"])]
        }
    }

    private static func layerNorm(_ shape: Shape) -> OperationCase {
        OperationCase("layer norm of \(shape)", [.input("x", shape), gain(shape.last), bias(shape.last)]) {
            [$0["x"].layerNorm(gain: $0["norm.weight"], bias: $0["norm.bias"])]
        }
    }

    /// Attention within a sequence, or to another sequence with `keys` keys.
    private static func attention(
        _ attention: Attention, batch: Int, times: Int, keys: Int? = nil, width: Int
    ) -> OperationCase {
        let name = """
            attention of \(attention.heads) heads, \(attention.mask), dropout \(attention.dropout?.probability ?? 0), \
            \(times) to \(keys.map { "\($0)" } ?? "itself")
            """
        let key = attention.dropout == nil ? [] : [key]
        guard let keys else {
            return OperationCase(name, [.input("x", [batch, times, 3 * width], scale: 2)] + key) {
                [$0["x"].attention(attention, key: $0.values["key"])]
            }
        }
        return OperationCase(
            name,
            [.input("q", [batch, times, width], scale: 2), .input("kv", [batch, keys, 2 * width], scale: 2)] + key
        ) { [$0["q"].attention(to: $0["kv"], attention, key: $0.values["key"])] }
    }

    /// Attention to a memory and a feed-forward part on a residual stream, with dropout of this probability.
    private static func layer(batch: Int, times: Int, keys: Int, width: Int, probability: Float?) -> OperationCase {
        let weights: [Argument] = [
            .parameter("in.weight", [3 * width, width]), .parameter("in.bias", [3 * width]),
            .parameter("out.weight", [width, width]), .parameter("out.bias", [width]),
            .parameter("expand.weight", [4 * width, width]), .parameter("expand.bias", [4 * width]),
            .parameter("contract.weight", [width, 4 * width]), .parameter("contract.bias", [width]),
        ]
        let name = "layer of a transformer, \(times) to \(keys) of width \(width), dropout \(probability ?? 0)"
        return OperationCase(
            name,
            [
                .input("x", [batch, times, width]), .input("memory", [batch, keys, width], rate: .conditioning),
                gain(width),
                bias(width),
            ] + weights + (probability == nil ? [] : [key])
        ) { arguments in
            func dropped(_ x: Tensor, _ stream: UInt64) -> Tensor {
                probability.map {
                    x.dropout(DropoutMask(probability: $0, stream: stream), key: arguments["key"])
                } ?? x
            }
            func normal(_ x: Tensor) -> Tensor {
                x.layerNorm(gain: arguments["norm.weight"], bias: arguments["norm.bias"])
            }
            func linear(_ name: String, _ x: Tensor, rows: Range<Int>? = nil) -> Tensor {
                let (weight, bias) = (arguments["\(name).weight"], arguments["\(name).bias"])
                guard let rows else { return x.linear(weight, bias: bias) }
                return x.linear(weight.slice(axis: 0, rows), bias: bias.slice(axis: 0, rows))
            }
            var x = arguments["x"]
            let seen = linear("in", normal(x), rows: 0..<width).attention(
                to: linear("in", arguments["memory"], rows: width..<3 * width),
                Attention(heads: 2, mask: .causal(lead: 1)))
            x = x + dropped(linear("out", seen), 7)
            return [x + dropped(linear("contract", dropped(linear("expand", normal(x)).gelu(), 8)), 9)]
        }
    }
}
