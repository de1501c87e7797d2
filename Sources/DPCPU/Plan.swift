internal import DPGraph

/// A graph as a list of instructions on fixed memory locations.
final class Plan {
    /// The elements of an input or output.
    struct Place {
        var start: UnsafeMutablePointer<Float>
        var count: Int
    }

    let inputs: [String: Place]
    let outputs: [String: Place]
    private let parameters: CPUBuffer
    private let instructions: [Rate: [Instruction]]
    private let schedules: [Rate: Schedule]
    private let storage: Storage
    private let threads: Int32
    private var version = -1

    init(
        _ graph: Graph, parameters: CPUBuffer, gradients: CPUBuffer?, oneDNN: OneDNN, weights: WeightFormat,
        threads: Int32
    ) throws {
        let steps = Fusion.steps(of: graph)
        let storage = try Storage(graph, steps: steps, parameters: parameters, gradients: gradients)
        var compiler = InstructionCompiler(
            graph: graph, steps: steps, storage: storage, parameters: parameters, oneDNN: oneDNN, weights: weights,
            threads: threads)
        var instructions: [Rate: [Instruction]] = [:]
        for step in steps {
            var made = try compiler.instructions(for: step)
            if let main = made.firstIndex(where: { !$0.isAuxiliary }) { made[main].cost = Cost(of: step, in: graph) }
            for instruction in made {
                instructions[instruction.rate ?? step.rate, default: []].append(compiler.joined(instruction, of: step))
            }
        }
        for gradient in graph.gradients {
            let rate = graph.nodes[gradient.value.node].rate
            instructions[rate, default: []] += compiler.copyOfGradient(gradient)
        }
        // First, changed weights are copied to the formats that the products require.
        let packing = compiler.packedWeights.map { weights in
            Instruction(name: "pack weights", cost: weights.cost) { weights.update(to: parameters.version) }
        }
        instructions[.weights] = packing + (instructions[.weights] ?? [])
        self.instructions = instructions
        self.threads = threads
        self.storage = storage
        self.parameters = parameters
        schedules = instructions.mapValues { Schedule($0, threads: threads) }
        inputs = storage.inputs
        outputs = Dictionary(uniqueKeysWithValues: graph.outputs.map { ($0.name, storage.place(of: $0.value)) })
    }

    /// Computes the values that change at a rate, after those that depend only on the weights if these have
    /// changed.
    func run(_ rate: Rate) {
        forEachRate(upTo: rate) { schedules[$0]?.run() }
    }

    /// Computes the values that change at a rate, as `run` does, and measures each instruction.
    func profile(_ rate: Rate) -> [InstructionProfile] {
        var rows: [InstructionProfile] = []
        func measure(_ instruction: Instruction) {
            let alone = Schedule([instruction], threads: threads)
            let time = ContinuousClock().measure { alone.run() }
            rows.append(
                InstructionProfile(
                    name: instruction.name, seconds: time / .seconds(1),
                    floatingPointOperations: instruction.cost.floatingPointOperations,
                    byteCount: instruction.cost.byteCount))
        }
        forEachRate(upTo: rate) { instructions[$0]?.forEach(measure) }
        return rows
    }

    /// Calls `body` for a rate, and first for `.weights` if the weights have changed.
    private func forEachRate(upTo rate: Rate, _ body: (Rate) -> Void) {
        if version != parameters.version {
            body(.weights)
            version = parameters.version
        }
        if rate != .weights { body(rate) }
    }
}
