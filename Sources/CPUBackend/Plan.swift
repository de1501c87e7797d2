internal import TensorGraph

/// A graph as a list of instructions on fixed places in memory.
final class Plan {
    /// Elements of an input or output.
    struct Place {
        var start: UnsafeMutablePointer<Float>
        var count: Int
    }

    /// One call of a kernel or primitive.
    struct Instruction {
        /// What it computes, for profiles.
        var name: String
        /// Memory that it works on and nobody else owns.
        var keeps: [AnyObject] = []
        /// When it runs, if more seldom than the step that needs it.
        var rate: Rate?
        var run: () -> Void
    }

    let inputs: [String: Place]
    let outputs: [String: Place]
    private let parameters: CPUBuffer
    private let instructions: [Rate: [Instruction]]
    private let packedWeights: [PackedWeights]
    private let storage: Storage
    private var version = -1

    init(_ graph: Graph, parameters: CPUBuffer, gradients: CPUBuffer?, oneDNN: OneDNN, threads: Int32) throws {
        let steps = Fusion.steps(of: graph)
        let storage = try Storage(graph, steps: steps, parameters: parameters, gradients: gradients)
        var compiler = InstructionCompiler(
            graph: graph, storage: storage, parameters: parameters, oneDNN: oneDNN, threads: threads)
        var instructions: [Rate: [Instruction]] = [:]
        for step in steps {
            for instruction in try compiler.instructions(for: step) {
                instructions[instruction.rate ?? step.rate, default: []].append(instruction)
            }
        }
        for gradient in graph.gradients {
            let rate = graph.nodes[gradient.value.node].rate
            instructions[rate, default: []] += compiler.copyOfGradient(gradient)
        }
        self.instructions = instructions
        self.storage = storage
        self.parameters = parameters
        packedWeights = compiler.packedWeights
        inputs = storage.inputs
        outputs = Dictionary(uniqueKeysWithValues: graph.outputs.map { ($0.name, storage.place(of: $0.value)) })
    }

    /// Computes what changes at a rate, after what depends only on the weights if they have changed.
    func run(_ rate: Rate) {
        if version != parameters.version {
            for weights in packedWeights { weights.update(to: parameters.version) }
            execute(.model)
            version = parameters.version
        }
        if rate != .model { execute(rate) }
    }

    private func execute(_ rate: Rate) {
        guard let instructions = instructions[rate] else { return }
        for instruction in instructions { instruction.run() }
    }
}
