internal import DPGraph

/// The memory location of each value of a graph: in the parameters, in the gradients, in the arena that one run
/// uses, or in memory kept between runs.
final class Storage {
    private let graph: Graph
    private let arena: AlignedMemory
    private let kept: AlignedMemory
    private let parameters: CPUBuffer
    private let gradients: CPUBuffer?
    private var locations: [Value: Location] = [:]
    private(set) var inputs: [String: Plan.Place] = [:]

    /// An offset in bytes.
    private enum Location {
        case parameter(offset: Int)
        case gradient(offset: Int)
        /// Shared with values that are not live at the same time.
        case shared(offset: Int)
        /// Kept between runs.
        case kept(offset: Int)

        /// Returns the location some bytes further on.
        func advanced(by bytes: Int) -> Location {
            switch self {
            case .parameter(let offset): .parameter(offset: offset + bytes)
            case .gradient(let offset): .gradient(offset: offset + bytes)
            case .shared(let offset): .shared(offset: offset + bytes)
            case .kept(let offset): .kept(offset: offset + bytes)
            }
        }
    }

    /// - Throws: `OutOfMemory`.
    init(_ graph: Graph, steps: [Step], parameters: CPUBuffer, gradients: CPUBuffer?) throws {
        self.graph = graph
        self.parameters = parameters
        self.gradients = gradients
        var planner = Planner(graph, steps: steps, writesGradients: gradients != nil)
        planner.placeAll()
        locations = planner.locations
        arena = try AlignedMemory(byteCount: planner.shared.count)
        kept = try AlignedMemory(byteCount: planner.kept.count)
        for (index, node) in graph.nodes.enumerated() {
            switch node.operation {
            case .input(let name, _, _) where locations[Value(node: index)] != nil:
                inputs[name] = place(of: Value(node: index))
            case .constant(let values, _) where locations[Value(node: index)] != nil:
                place(of: Value(node: index)).start.update(from: values, count: values.count)
            default:
                continue
            }
        }
    }

    /// Returns the address of the first element of a value, in the precision of the value.
    func pointer(to value: Value) -> UnsafeMutableRawPointer {
        guard let location = locations[value] else {
            preconditionFailure("\(graph.nodes[value.node].operation) has no memory location")
        }
        switch location {
        case .parameter(let offset): return parameters.memory.start + offset
        case .gradient(let offset):
            guard let gradients else { preconditionFailure("no vector for the gradients") }
            return gradients.memory.start + offset
        case .shared(let offset): return arena.start + offset
        case .kept(let offset): return kept.start + offset
        }
    }

    /// Returns all elements of a value.
    /// - Precondition: they are float32.
    func place(of value: Value) -> Plan.Place {
        let type = graph.type(of: value)
        precondition(type.precision == .float32, "expected a value in float32, found \(type)")
        return Plan.Place(start: pointer(to: value).assumingMemoryBound(to: Float.self), count: type.shape.count)
    }

    /// Returns the index in the flat vector at which a value begins, if the value is a parameter.
    func parameterOffset(of value: Value) -> Int? {
        if case .parameter(let offset) = locations[value] { offset / Precision.float32.byteCount } else { nil }
    }

    /// Returns the address of a parameter's gradient, if there is a vector for the gradients.
    func gradient(ofParameter index: Int) -> UnsafeMutablePointer<Float>? {
        gradients.map { $0.floats + graph.parameters.ranges[index].offset }
    }

    // MARK: - Planning

    private struct Planner {
        let graph: Graph
        let steps: [Step]
        var locations: [Value: Location] = [:]
        var shared = MemoryPlan()
        var kept = MemoryPlan()
        /// For results that are only a view of an input: the value whose memory they share, and the byte at which
        /// they begin.
        private var original: [Value: (value: Value, start: Int)] = [:]
        private var gradientOffsets: [Value: Int] = [:]

        init(_ graph: Graph, steps: [Step], writesGradients: Bool) {
            self.graph = graph
            self.steps = steps
            if writesGradients {
                for gradient in graph.gradients {
                    gradientOffsets[gradient.value] = graph.parameters.ranges[gradient.parameter].offset
                }
            }
        }

        private func root(_ value: Value) -> Value { original[value]?.value ?? value }

        /// Returns the byte at which a step's result begins in its input, if the result is a contiguous part of the
        /// input.
        private func startOfView(_ step: Step) -> Int? {
            guard case .operation(let operation) = step.kernel else { return nil }
            switch operation {
            case .reshape:
                return 0
            case .slice(let axis, let range):
                let type = graph.type(of: step.inputs[0])
                let shape = type.shape.dimensions
                guard shape[..<axis].allSatisfy({ $0 == 1 }) else { return nil }
                return range.lowerBound * shape[(axis + 1)...].reduce(1, *) * type.precision.byteCount
            default:
                return nil
            }
        }

        mutating func placeAll() {
            let (lastUse, isPersistent) = lifetimes()
            var living: [Value: Range<Int>] = [:]
            var leaving: [(since: Int, place: Range<Int>)] = []
            // Memory is ample without gradients, so a delay spares threads from waiting to overwrite memory that
            // other threads still read.
            let delay = graph.gradients.isEmpty ? 2 : 0
            for (index, step) in steps.enumerated() {
                while let first = leaving.first, first.since + delay < index {
                    shared.release(first.place)
                    leaving.removeFirst()
                }
                for case let result? in step.results { place(result, step, isPersistent[result] ?? false, &living) }
                for value in Set(step.inputs.map(root) + step.results.compactMap { $0 }.map(root)) {
                    guard lastUse[value] ?? -1 <= index, let range = living.removeValue(forKey: value) else { continue }
                    leaving.append((index, range))
                }
            }
        }

        /// Returns the last step that uses each value's memory, and the values that must persist: sources, outputs
        /// and values that a faster rate reads.
        private mutating func lifetimes() -> (lastUse: [Value: Int], isPersistent: [Value: Bool]) {
            var lastUse: [Value: Int] = [:]
            var isPersistent: [Value: Bool] = [:]
            for (index, step) in steps.enumerated() {
                if let start = startOfView(step), let result = step.results[0] {
                    let first = original[step.inputs[0]]?.start ?? 0
                    original[result] = (root(step.inputs[0]), first + start)
                }
                for input in step.inputs {
                    let value = root(input)
                    lastUse[value] = index
                    if graph.nodes[input.node].rate < step.rate { isPersistent[value] = true }
                }
                if case .operation(let operation) = step.kernel {
                    switch operation {
                    case .input, .constant, .parameter:
                        for case let value? in step.results { isPersistent[value] = true }
                    default: break
                    }
                }
            }
            for value in graph.outputs.map(\.value) + graph.gradients.map(\.value) { isPersistent[root(value)] = true }
            return (lastUse, isPersistent)
        }

        private mutating func place(
            _ value: Value, _ step: Step, _ isPersistent: Bool, _ living: inout [Value: Range<Int>]
        ) {
            if let original = original[value] {
                locations[value] = locations[original.value]?.advanced(by: original.start)
                return
            }
            if case .operation(.parameter(let index, _)) = step.kernel {
                locations[value] = .parameter(
                    offset: graph.parameters.ranges[index].offset * Precision.float32.byteCount)
                return
            }
            if let offset = gradientOffsets[value] {
                locations[value] = .gradient(offset: offset * Precision.float32.byteCount)
                return
            }
            let count = graph.type(of: value).byteCount
            if isPersistent {
                locations[value] = .kept(offset: kept.allocate(count).lowerBound)
            } else {
                let range = shared.allocate(count)
                locations[value] = .shared(offset: range.lowerBound)
                living[value] = range
            }
        }
    }
}

extension TensorType {
    /// Bytes of the elements.
    var byteCount: Int { shape.count * precision.byteCount }
}

extension Precision {
    /// Bytes of an element.
    var byteCount: Int {
        switch self {
        case .float32: 4
        case .bfloat16: 2
        }
    }
}
