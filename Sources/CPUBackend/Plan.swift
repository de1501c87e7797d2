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
        /// Whether it only prepares or finishes what another instruction of its step computes.
        var isAuxiliary = false
        /// What the step that it stands for costs at least.
        var cost = Cost()
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
    /// What copies weights that have changed to the layouts that primitives want.
    private let packing: [Instruction]
    private let storage: Storage
    private var version = -1

    init(_ graph: Graph, parameters: CPUBuffer, gradients: CPUBuffer?, oneDNN: OneDNN, threads: Int32) throws {
        let steps = Fusion.steps(of: graph)
        let storage = try Storage(graph, steps: steps, parameters: parameters, gradients: gradients)
        var compiler = InstructionCompiler(
            graph: graph, storage: storage, parameters: parameters, oneDNN: oneDNN, threads: threads)
        var instructions: [Rate: [Instruction]] = [:]
        for step in steps {
            var made = try compiler.instructions(for: step)
            if let main = made.firstIndex(where: { !$0.isAuxiliary }) { made[main].cost = Cost(of: step, in: graph) }
            for instruction in made { instructions[instruction.rate ?? step.rate, default: []].append(instruction) }
        }
        for gradient in graph.gradients {
            let rate = graph.nodes[gradient.value.node].rate
            instructions[rate, default: []] += compiler.copyOfGradient(gradient)
        }
        self.instructions = instructions
        self.storage = storage
        self.parameters = parameters
        packing = compiler.packedWeights.map { weights in
            Instruction(name: "pack weights", cost: weights.cost) { weights.update(to: parameters.version) }
        }
        inputs = storage.inputs
        outputs = Dictionary(uniqueKeysWithValues: graph.outputs.map { ($0.name, storage.place(of: $0.value)) })
    }

    /// Computes what changes at a rate, after what depends only on the weights if they have changed.
    func run(_ rate: Rate) { forEachInstruction(of: rate) { $0.run() } }

    /// Computes what changes at a rate as `run` does and measures each instruction.
    func profile(_ rate: Rate) -> [InstructionProfile] {
        var rows: [InstructionProfile] = []
        forEachInstruction(of: rate) { instruction in
            let start = ProcessorClock.now
            instruction.run()
            rows.append(
                InstructionProfile(
                    name: instruction.name, seconds: ProcessorClock.now - start,
                    floatingPointOperations: instruction.cost.floatingPointOperations,
                    byteCount: instruction.cost.byteCount))
        }
        return rows
    }

    private func forEachInstruction(of rate: Rate, _ body: (Instruction) -> Void) {
        if version != parameters.version {
            packing.forEach(body)
            instructions[.model]?.forEach(body)
            version = parameters.version
        }
        if rate != .model { instructions[rate]?.forEach(body) }
    }
}
