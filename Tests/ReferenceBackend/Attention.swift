import DPGraph
import Foundation

extension Attention {
    /// Returns the weighted sum of values for each query; see the type.
    func attend(_ inputs: [HostTensor], shape: Shape) -> HostTensor {
        let heads = Heads(self, operands(inputs))
        var result = HostTensor(zeros: shape)
        heads.forEachQuery { query in
            for (key, weight) in query.weights.enumerated() {
                for column in 0..<heads.width {
                    result[query.item, query.time, query.column(column)] +=
                        weight * query.factors[key] * heads[.values, query, key, column]
                }
            }
        }
        return result
    }

    /// Returns the gradients of the projections.
    ///
    /// With the gradient `gₜ` of a head's output, the gradient of a weight is `fₜₛ (gₜ · vₛ)`, where f is dropout's
    /// factor, and the gradient of a score is `wₜₛ (fₜₛ (gₜ · vₛ) − Σᵣ wₜᵣ fₜᵣ (gₜ · vᵣ))`.
    func gradients(_ inputs: [HostTensor]) -> [HostTensor] {
        let operands = operands(inputs, isGradient: true)
        guard let adjoint = operands.adjoint else { preconditionFailure("\(self): expected a gradient of the output") }
        let heads = Heads(self, operands)
        var results = operands.projections.map { HostTensor(zeros: $0.shape) }
        heads.forEachQuery { query in
            let outer = (0..<heads.width).map { adjoint[query.item, query.time, query.column($0)] }
            let slopes = query.weights.indices.map { key in
                query.factors[key] * (0..<heads.width).reduce(0) { $0 + outer[$1] * heads[.values, query, key, $1] }
            }
            let mean = zip(query.weights, slopes).reduce(0) { $0 + $1.0 * $1.1 }
            for (key, weight) in query.weights.enumerated() {
                let score = weight * (slopes[key] - mean) * heads.scale
                for column in 0..<heads.width {
                    heads.add(score * heads[.keys, query, key, column], to: &results, .queries, query, key, column)
                    heads.add(score * heads[.queries, query, key, column], to: &results, .keys, query, key, column)
                    heads.add(weight * query.factors[key] * outer[column], to: &results, .values, query, key, column)
                }
            }
        }
        return results
    }
}

/// The heads of an attention on given projections.
private struct Heads {
    let attention: Attention
    let extents: Attention.Extents
    let projections: [HostTensor]
    private let dropoutState: UInt64

    enum Role: Int {
        case queries
        case keys
        case values
    }

    /// A query of a head with its weights.
    struct Query {
        let item: Int
        let head: Int
        let time: Int
        let width: Int
        /// Weights of the keys that the query attends to.
        var weights: [Double] = []
        /// Dropout's factors of the weights.
        var factors: [Double] = []

        /// Returns the index of a column of this head among the columns of all heads.
        func column(_ column: Int) -> Int { head * width + column }
    }

    init(_ attention: Attention, _ operands: Attention.Operands<HostTensor>) {
        guard let extents = attention.extents(of: operands.projections.map(\.shape)) else {
            preconditionFailure("\(attention): found projections of \(operands.projections.map(\.shape))")
        }
        self.attention = attention
        self.extents = extents
        projections = operands.projections
        dropoutState = operands.dropoutKey.flatMap { attention.dropout?.state(key: $0) } ?? 0
    }

    /// Number of columns of a head.
    var width: Int { extents.width / attention.heads }
    var scale: Double { 1 / Double(width).squareRoot() }

    /// Returns the projection that holds a role, and the column in it.
    private func place(_ role: Role, _ query: Query, _ column: Int) -> (projection: Int, column: Int) {
        let isSelf = projections.count == 1
        let block = isSelf ? role.rawValue : max(0, role.rawValue - 1)
        return (isSelf || role == .queries ? 0 : 1, block * extents.width + query.column(column))
    }

    subscript(role: Role, query: Query, key: Int, column: Int) -> Double {
        let place = place(role, query, column)
        return projections[place.projection][query.item, role == .queries ? query.time : key, place.column]
    }

    func add(
        _ value: Double, to results: inout [HostTensor], _ role: Role, _ query: Query, _ key: Int, _ column: Int
    ) {
        let place = place(role, query, column)
        results[place.projection][query.item, role == .queries ? query.time : key, place.column] += value
    }

    func forEachQuery(_ body: (Query) -> Void) {
        for item in 0..<extents.batch {
            for head in 0..<attention.heads {
                for time in 0..<extents.queries { body(query(item, head, time)) }
            }
        }
    }

    private func query(_ item: Int, _ head: Int, _ time: Int) -> Query {
        var query = Query(item: item, head: head, time: time, width: width)
        let visible = attention.mask.visible(to: time, of: extents.keys)
        let scores = (0..<visible).map { key in
            scale
                * (0..<width).reduce(0) { $0 + self[.queries, query, key, $1] * self[.keys, query, key, $1] }
        }
        let largest = scores.max() ?? 0
        let powers = scores.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        query.weights = powers.map { $0 / sum }
        let first = ((item * attention.heads + head) * extents.queries + time) * extents.keys
        query.factors = (0..<visible).map { key in
            attention.dropout.map { $0.factor(first + key, state: dropoutState) } ?? 1
        }
        return query
    }
}
