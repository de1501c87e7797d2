internal import DPGraph

/// The computation of one instruction of a plan: an operation of the graph, or several that one kernel computes
/// together.
enum Kernel {
    /// One operation without fusion.
    case operation(TensorOperation)
    /// A convolution's or linear layer's weight gradient, with the bias gradient as the second result.
    case parameterGradient(TensorOperation)
    /// Group normalization with the operations after it; inputs: x, gain, bias and the operands of the fused parts
    /// in the order of the properties.
    case groupNorm(FusedGroupNorm)
    /// The gradients of group normalization, Mish and FiLM; inputs: x, gain, bias, the output's gradient and FiLM's
    /// scale; results: the gradients of x, gain and bias, then those of FiLM's scale and bias.
    case groupNormGradient(FusedGroupNorm)
    /// Group normalization of an image with the operations after it; inputs: x, gain, bias and the residual.
    case imageNorm(FusedImageNorm)
    /// The gradients of group normalization and ReLU; inputs: x, gain, the output's gradient and the output of
    /// ReLU; results: the gradients of x, gain and bias, then the output's gradient where ReLU passes it on.
    case imageNormGradient(FusedImageNorm)
    /// Transformer operations fused with dropout or a sum.
    case transformer(FusedTransformer)
}

extension Kernel {
    /// Returns whether an input is a weight, which is rounded when it is packed.
    fileprivate func packs(_ input: Int) -> Bool {
        switch self {
        case .operation(.linear), .operation(.linearInputGradient), .operation(.convolution1D),
            .operation(.transposedConvolution1D), .operation(.convolution2D), .operation(.convolution2DInputGradient):
            input == 1
        default: false
        }
    }
}

/// The operations that one group-normalization kernel includes.
struct FusedGroupNorm: Hashable {
    var groups: Int
    var epsilon: Float
    var hasMish = false
    var film = Film.none
    var hasResidual = false

    /// FiLM's operands, each a range of columns of `[batch, columns]` that begins at the given column.
    enum Film: Hashable {
        case none
        case bias(column: Int)
        case scaleAndBias(scaleColumn: Int, biasColumn: Int)

        var isBias: Bool { if case .bias = self { true } else { false } }
    }
}

/// A kernel applied to values of the graph.
struct Step {
    var kernel: Kernel
    var inputs: [Value]
    /// Values that the kernel produces; nil for an unused result.
    var results: [Value?]
    var rate: Rate
}

/// Decides which operations are computed together, and in which order.
///
/// A chain is fused only as far as nothing else needs its intermediate values. The gradient kernel recomputes them
/// from x, which is cheaper than keeping them in memory.
struct Fusion {
    let graph: Graph
    /// Nodes that use a value; outputs and gradients of the graph count as node −1.
    private var users: [Value: [Int]] = [:]
    /// The step that produces a node's results, by node.
    private(set) var stepOfNode: [Int: Int] = [:]
    private var steps: [Step] = []

    /// Returns the steps of a graph, each after the steps whose results it needs.
    static func steps(of graph: Graph) -> [Step] {
        var fusion = Fusion(graph)
        fusion.fuseParameterGradients()
        fusion.fuseImageNormGradients()
        fusion.fuseImageNorms()
        fusion.fuseGroupNormGradients()
        fusion.fuseGroupNorms()
        fusion.fuseTransformers()
        fusion.keepTheRest()
        fusion.absorbCasts()
        return fusion.ordered()
    }

    private init(_ graph: Graph) {
        self.graph = graph
        for (index, node) in graph.nodes.enumerated() {
            for input in node.inputs { users[input, default: []].append(index) }
        }
        for value in graph.outputs.map(\.value) + graph.gradients.map(\.value) { users[value, default: []].append(-1) }
    }

    func operation(_ value: Value) -> TensorOperation { graph.nodes[value.node].operation }
    func inputs(_ value: Value) -> [Value] { graph.nodes[value.node].inputs }
    func users(of value: Value) -> [Int] { users[value] ?? [] }

    /// Returns the only node that needs a value; nil if there are others or it is already part of a step.
    func onlyUser(of value: Value) -> Int? {
        guard users(of: value).count == 1, let user = users(of: value).first, user >= 0, stepOfNode[user] == nil else {
            return nil
        }
        return user
    }

    /// Returns the users of a value that need it in memory: all except those in a step that recomputes it.
    private func openUsers(of value: Value) -> [Int] {
        users(of: value).filter { user in stepOfNode[user].map { steps[$0].inputs.contains(value) } ?? true }
    }

    mutating func add(_ kernel: Kernel, _ inputs: [Value], results: [Value?], absorbing nodes: [Int]) {
        for node in nodes { stepOfNode[node] = steps.count }
        let rate = nodes.map { graph.nodes[$0].rate }.max() ?? .weights
        steps.append(Step(kernel: kernel, inputs: inputs, results: results, rate: rate))
    }

    // MARK: - Patterns

    /// Fuses the gradients of a weight and of its bias, which read the same output gradient.
    private mutating func fuseParameterGradients() {
        for (index, node) in graph.nodes.enumerated() {
            switch node.operation {
            case .convolution1DWeightGradient, .linearWeightGradient:
                // The bias gradient sums in float32 the values that the weight gradient reads rounded.
                let adjoint = node.inputs[1]
                let channels = graph.type(of: adjoint).shape.last
                let upcast = users(of: adjoint).first { $0 >= 0 && graph.nodes[$0].operation == .cast(to: .float32) }
                let sum = users(of: upcast.map { Value(node: $0) } ?? adjoint).first { user in
                    guard user >= 0, stepOfNode[user] == nil, case .sum(let shape) = graph.nodes[user].operation else {
                        return false
                    }
                    return shape == [channels]
                }
                guard let sum else { continue }
                add(
                    .parameterGradient(node.operation), node.inputs, results: [Value(node: index), Value(node: sum)],
                    absorbing: [index, sum])
            default:
                continue
            }
        }
    }

    private mutating func fuseGroupNormGradients() {
        for (index, node) in graph.nodes.enumerated() {
            guard case .groupNormGradient(let groups, let epsilon) = node.operation, stepOfNode[index] == nil else {
                continue
            }
            let (x, gain, dz) = (node.inputs[0], node.inputs[1], node.inputs[2])
            guard case .mishGradient = operation(dz), users(of: dz) == [index] else { continue }
            let (normal, dm) = (inputs(dz)[0], inputs(dz)[1])
            guard case .groupNorm(groups, epsilon) = operation(normal), inputs(normal)[0] == x,
                inputs(normal)[1] == gain
            else { continue }
            let bias = inputs(normal)[2]
            var fused = FusedGroupNorm(groups: groups, epsilon: epsilon, hasMish: true)
            let own: [Value?] = (0..<3).map { Value(node: index, result: $0) }
            if case .filmGradient = operation(dm), dm.result == 0, users(of: dm) == [dz.node] {
                let (modulated, scale, dy) = (inputs(dm)[0], inputs(dm)[1], inputs(dm)[2])
                if case .mish = operation(modulated), inputs(modulated) == [normal] {
                    let (rows, column) = columns(scale)
                    fused.film = .scaleAndBias(scaleColumn: column, biasColumn: 0)
                    add(
                        .groupNormGradient(fused), [x, gain, bias, dy, rows],
                        results: own + [Value(node: dm.node, result: 1), Value(node: dm.node, result: 2)],
                        absorbing: [index, dz.node, dm.node])
                    continue
                }
            }
            add(.groupNormGradient(fused), [x, gain, bias, dm], results: own, absorbing: [index, dz.node])
        }
    }

    private mutating func fuseGroupNorms() {
        for (index, node) in graph.nodes.enumerated() {
            guard case .groupNorm(let groups, let epsilon) = node.operation, stepOfNode[index] == nil else { continue }
            var fused = FusedGroupNorm(groups: groups, epsilon: epsilon)
            var inputs = node.inputs
            var absorbed = [index]
            var result = Value(node: index)
            /// Returns the only node that still needs the result so far; nil if there are others.
            func onlyUser() -> Int? {
                let open = openUsers(of: result)
                return open.count == 1 && open[0] >= 0 && stepOfNode[open[0]] == nil ? open[0] : nil
            }
            if let user = onlyUser(), case .mish = graph.nodes[user].operation {
                fused.hasMish = true
                absorbed.append(user)
                result = Value(node: user)
                if let user = onlyUser(), let (film, operands) = film(user, of: result) {
                    fused.film = film
                    inputs += operands
                    absorbed.append(user)
                    result = Value(node: user)
                }
                if !fused.film.isBias, let user = onlyUser(), let residual = residual(user, of: result) {
                    fused.hasResidual = true
                    inputs.append(residual)
                    absorbed.append(user)
                    result = Value(node: user)
                }
            }
            add(.groupNorm(fused), inputs, results: [result], absorbing: absorbed)
        }
    }

    /// Returns the operands of a node that modulates `value`.
    private func film(_ node: Int, of value: Value) -> (FusedGroupNorm.Film, [Value])? {
        let inputs = graph.nodes[node].inputs
        switch graph.nodes[node].operation {
        case .film where inputs[0] == value:
            let (scale, bias) = (columns(inputs[1]), columns(inputs[2]))
            guard graph.type(of: scale.rows) == graph.type(of: bias.rows) else {
                return (.scaleAndBias(scaleColumn: 0, biasColumn: 0), [inputs[1], inputs[2]])
            }
            return (.scaleAndBias(scaleColumn: scale.start, biasColumn: bias.start), [scale.rows, bias.rows])
        case .add:
            let other = inputs[0] == value ? inputs[1] : inputs[0]
            let shape = graph.type(of: value).shape
            guard case .reshape = operation(other), graph.type(of: other).shape == [shape[0], 1, shape[2]],
                let original = self.inputs(other).first, graph.type(of: original).shape == [shape[0], shape[2]]
            else { return nil }
            let (rows, start) = columns(original)
            return (.bias(column: start), [rows])
        default:
            return nil
        }
    }

    /// Returns the matrix whose range of columns a value is, and the first column.
    ///
    /// A kernel that receives the row length needs no copy of the range.
    private func columns(_ value: Value) -> (rows: Value, start: Int) {
        guard case .slice(axis: 1, let range) = operation(value), graph.type(of: value).shape.rank == 2 else {
            return (value, 0)
        }
        return (inputs(value)[0], range.lowerBound)
    }

    /// Returns the other operand of a node that adds `value` to a tensor of the same shape.
    func residual(_ node: Int, of value: Value) -> Value? {
        guard case .add = graph.nodes[node].operation else { return nil }
        let inputs = graph.nodes[node].inputs
        let other = inputs[0] == value ? inputs[1] : inputs[0]
        return other != value && graph.type(of: other) == graph.type(of: value) ? other : nil
    }

    private mutating func keepTheRest() {
        for (index, node) in graph.nodes.enumerated() where stepOfNode[index] == nil {
            let results = node.results.indices.map { Optional(Value(node: index, result: $0)) }
            add(.operation(node.operation), node.inputs, results: results, absorbing: [index])
        }
    }

    // MARK: - Casts

    /// Lets kernels read and write bfloat16 directly where the graph casts before or after them.
    private mutating func absorbCasts() {
        for index in steps.indices {
            let step = steps[index]
            for (slot, input) in step.inputs.enumerated() where step.kernel.packs(slot) {
                guard case .cast(to: .bfloat16) = operation(input), graph.isPartOfParameter(inputs(input)[0]) else {
                    continue
                }
                steps[index].inputs[slot] = inputs(input)[0]
            }
            for alike in free(step) {
                let originals = alike.inputs.compactMap { original(ofUpcast: step.inputs[$0]) }
                let results = alike.results.filter { step.results[$0].map { !users(of: $0).isEmpty } ?? false }
                let casts = results.compactMap { step.results[$0].flatMap(onlyDowncast) }
                guard originals.count == alike.inputs.count, casts.count == results.count else { continue }
                for (slot, original) in zip(alike.inputs, originals) { steps[index].inputs[slot] = original }
                for (slot, cast) in zip(results, casts) {
                    steps[index].results[slot] = Value(node: cast)
                    stepOfNode[cast] = index
                }
            }
        }
    }

    /// Returns the inputs and results of a step whose precision its kernel leaves free, grouped by those that must
    /// have the same precision.
    private func free(_ step: Step) -> [(inputs: [Int], results: [Int])] {
        switch step.kernel {
        case .operation(.add):
            let shapes = (step.inputs + step.results.compactMap { $0 }).map { graph.type(of: $0).shape }
            return Set(shapes).count == 1 ? [([0], []), ([1], []), ([], [0])] : []
        case .operation(let operation) where operation.isProduct: return [([], [0])]
        case .operation(.groupNorm), .operation(.relu), .operation(.maxPooling2D): return [([0], [0])]
        case .operation(.reluGradient), .operation(.maxPooling2DGradient): return [([0, 1], [0])]
        case .operation(.spatialSoftmax): return [([0], [])]
        case .operation(.spatialSoftmaxGradient): return [([0], [0])]
        case .operation(.groupNormGradient): return [([0, 2], [0])]
        case .imageNorm(let fused): return [(fused.hasResidual ? [0, 3] : [0], [0])]
        case .imageNormGradient(let fused):
            return fused.hasReLU ? [([0, 2, 3], [0, 3])] : [([0, 2], [0])]
        case .operation(.gelu), .operation(.dropout), .operation(.layerNorm): return [([0], []), ([], [0])]
        case .operation(.geluGradient): return [([0], [0]), ([1], [])]
        case .operation(.layerNormGradient): return [([0], [0]), ([2], [])]
        case .operation(.attention(let attention)):
            return [(Array(attention.operands(step.inputs).projections.indices), []), ([], [0])]
        case .operation(.attentionGradient(let attention)):
            let projections = Array(attention.operands(step.inputs, isGradient: true).projections.indices)
            return [(projections, projections), ([step.inputs.count - 1], [])]
        case .groupNorm(let fused): return [(fused.hasResidual ? [0, step.inputs.count - 1] : [0], [0])]
        case .groupNormGradient: return [([0, 3], [0])]
        case .transformer(.geluDropout): return [([0], []), ([], [0])]
        case .transformer(.geluDropoutGradient): return [([0], [0]), ([1], [])]
        case .transformer(.dropoutSum): return [([0], []), ([1], [0])]
        case .transformer(.layerNormGradientSum): return [([0, 3], [0]), ([2], [])]
        case .operation, .parameterGradient: return []
        }
    }

    /// Returns the bfloat16 value that was cast to this float32 value.
    func original(ofUpcast value: Value) -> Value? {
        guard case .cast(to: .float32) = operation(value) else { return nil }
        return inputs(value)[0]
    }

    /// Returns the cast to bfloat16 of a value that nothing else reads.
    private func onlyDowncast(of value: Value) -> Int? {
        guard let user = users(of: value).first, users(of: value).count == 1, user >= 0,
            case .cast(to: .bfloat16) = graph.nodes[user].operation
        else { return nil }
        return user
    }

    // MARK: - Order

    /// Returns the steps that outputs and gradients need, each after its inputs.
    private func ordered() -> [Step] {
        var order: [Int] = []
        var isVisited = [Bool](repeating: false, count: steps.count)
        func visit(_ value: Value) {
            guard let index = stepOfNode[value.node], !isVisited[index] else { return }
            isVisited[index] = true
            for input in steps[index].inputs { visit(input) }
            order.append(index)
        }
        // In graph order, so that values are used soon after they are computed.
        let wanted = graph.outputs.map(\.value) + graph.gradients.map(\.value)
        for value in wanted.sorted(by: { $0.node < $1.node }) { visit(value) }
        var needed = Set(wanted)
        for index in order { needed.formUnion(steps[index].inputs) }
        return order.map { index in
            var step = steps[index]
            step.results = step.results.map { $0.flatMap { needed.contains($0) ? $0 : nil } }
            return step
        }
    }
}
