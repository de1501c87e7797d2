import CPUBackend
import Foundation
import Policies
import PolicyInterface
import TensorGraph
import Training

/// Where the time of one piece of work goes, kind of operation by kind of operation.
struct CostProfile: Codable {
    /// All operations of one kind in one repetition.
    struct Row: Codable {
        let name: String
        let calls: Int
        let milliseconds: Double
        /// The least time in which this machine could do the same.
        let floorMilliseconds: Double
        let operations: Int
        let bytes: Int

        enum CodingKeys: String, CodingKey {
            case name
            case calls
            case milliseconds = "ms"
            case floorMilliseconds = "floor_ms"
            case operations = "flops"
            case bytes
        }
    }

    let work: BenchmarkWork
    let batch: Int
    let precision: Precision
    let threads: Int
    let parameters: Int
    let peaks: MachinePeaks
    /// The slowest kind first.
    let rows: [Row]
    /// The median of whole repetitions, which measuring each operation does not slow.
    let wholeMilliseconds: Double

    enum CodingKeys: String, CodingKey {
        case work
        case batch
        case precision
        case threads
        case parameters
        case peaks
        case rows
        case wholeMilliseconds = "whole_ms"
    }
}

// MARK: - Measuring

extension CostProfile {
    private static let repetitions = 15

    /// Profiles an executable, with what surrounds it.
    private init(
        _ work: BenchmarkWork, batch: Int, parameters: Int, peaks: MachinePeaks, machine: CPUMachine,
        executable: CPUExecutable, surroundings: [(name: String, bytes: Int, run: () -> Void)] = []
    ) throws {
        func whole() {
            executable.run(.step)
            for part in surroundings { part.run() }
        }
        let clock = ContinuousClock()
        for _ in 0..<3 { whole() }
        wholeMilliseconds = Timing((0..<Self.repetitions).map { _ in clock.measure(whole) }).median

        var runs: [[InstructionProfile]] = []
        var times = surroundings.map { _ in [Duration]() }
        for _ in 0..<Self.repetitions {
            runs.append(executable.profile(.step))
            for (index, part) in surroundings.enumerated() { times[index].append(clock.measure(part.run)) }
        }
        var kinds: [String: [(milliseconds: Double, floor: Double, operations: Int, bytes: Int)]] = [:]
        for (index, instruction) in runs[0].enumerated() {
            let seconds = runs.map { $0[index].seconds }.sorted()[runs.count / 2]
            let (operations, bytes) = (instruction.floatingPointOperations, instruction.byteCount)
            kinds[instruction.name, default: []].append(
                (1e3 * seconds, 1e3 * peaks.floor(operations: operations, bytes: bytes), operations, bytes))
        }
        for (part, times) in zip(surroundings, times) {
            kinds[part.name] = [
                (Timing(times).median, 1e3 * peaks.floor(operations: 0, bytes: part.bytes), 0, part.bytes)
            ]
        }
        rows = kinds.map { name, calls in
            Row(
                name: name, calls: calls.count, milliseconds: calls.reduce(0) { $0 + $1.milliseconds },
                floorMilliseconds: calls.reduce(0) { $0 + $1.floor },
                operations: calls.reduce(0) { $0 + $1.operations }, bytes: calls.reduce(0) { $0 + $1.bytes })
        }.sorted { $0.milliseconds > $1.milliseconds }
        self.work = work
        self.batch = batch
        precision = machine.precision
        threads = machine.threads
        self.parameters = parameters
        self.peaks = peaks
    }

    /// A training step: gradients, their norm, AdamW with the moving average.
    static func training(_ recipe: Recipe, machine: CPUMachine, peaks: MachinePeaks) throws -> CostProfile {
        let model = try DiffusionModel(recipe.policy)
        let state = try TrainingState(on: machine, table: model.table)
        state.parameters.write(model.randomWeights)
        let graph = model.trainingGraph(
            batch: recipe.training.microBatchSize, noiseSamples: recipe.training.noiseSamples)
        let executable = try machine.executable(graph, parameters: state.parameters, gradients: state.gradients)
        let update = AdamWUpdate(
            step: 1, learningRate: 1e-6, beta1: 0.95, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-6, gradientScale: 1,
            averageDecay: 0.99)
        let bytes = 4 * model.table.count
        return try CostProfile(
            .training, batch: recipe.training.microBatchSize, parameters: model.table.parameterCount, peaks: peaks,
            machine: machine, executable: executable,
            surroundings: [
                ("norm of the gradients", bytes, { _ = machine.sumOfSquares(of: state.gradients) }),
                // Reads five vectors and writes all of them but the gradients.
                ("AdamW and moving average", 9 * bytes, { machine.update(state, table: model.table, with: update) }),
            ])
    }

    /// A pass of the network, its image encoders alone, or the step of a sampler, in which only what changes from step to step is computed.
    static func acting(
        _ work: BenchmarkWork, _ policy: StoredPolicy, batch: Int, sampler: SamplerOptions, machine: CPUMachine,
        peaks: MachinePeaks
    ) throws -> CostProfile {
        let model = try DiffusionModel(policy.configuration)
        let parameters = try machine.makeBuffer(count: model.table.count)
        parameters.write(policy.weights)
        let graph =
            switch work {
            case .encode: model.featureGraph(batch: batch)
            case .pass: model.networkGraph(batch: batch)
            default: try model.stepGraph(batch: batch, sampler: sampler.choice(for: policy.configuration))
            }
        let executable = try machine.executable(graph, parameters: parameters, gradients: nil)
        executable.run(.chunk)
        return try CostProfile(
            work, batch: batch, parameters: model.table.parameterCount, peaks: peaks, machine: machine,
            executable: executable)
    }
}

extension CPUMachine {
    /// A graph ready to run on random numbers.
    fileprivate func executable(
        _ graph: Graph, parameters: any DeviceBuffer, gradients: (any DeviceBuffer)?
    ) throws -> CPUExecutable {
        guard let executable = try compile(graph, parameters: parameters, gradients: gradients) as? CPUExecutable else {
            preconditionFailure("expected an executable of this machine")
        }
        for case .input(let name, let shape, _) in graph.nodes.map(\.operation) {
            var values = [Float](repeating: 1, count: shape.count)
            // Steps are indices of tables, scales are factors; the rest is normalised.
            if shape.rank > 1 { RandomKey(seed: 0).folding(name).fillNormal(&values) }
            executable.write(name, values)
        }
        return executable
    }
}
