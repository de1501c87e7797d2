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
        /// Why it took less time than that; nil if it did not.
        let reason: Reason?

        enum CodingKeys: String, CodingKey {
            case name
            case calls
            case milliseconds = "ms"
            case floorMilliseconds = "floor_ms"
            case operations = "flops"
            case bytes
            case reason
        }
    }

    /// Why a kind of operation took less time than its floor.
    enum Reason: String, Codable {
        /// Its bytes came from a cache, and not from memory.
        case cached = "cached"
        /// Not all of the arithmetic that is counted was done: what meets the zeros around a sequence or image is left out.
        case leftOut = "zeros left out"
    }

    /// The least seconds of an operation's arithmetic and of its bytes; it takes at least the longer of the two.
    struct Floor {
        var arithmetic: Double
        var memory: Double
        var seconds: Double { max(arithmetic, memory) }
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

extension CostProfile.Row {
    /// A row of operations with these floors.
    init(
        name: String, calls: Int, milliseconds: Double, floors: [CostProfile.Floor], operations: Int, bytes: Int
    ) {
        let floor = 1e3 * floors.reduce(0) { $0 + $1.seconds }
        let arithmetic = 1e3 * floors.reduce(0) { $0 + $1.arithmetic }
        // What of the floor took longer than all the time there was did not happen.
        let reason: CostProfile.Reason = arithmetic > milliseconds ? .leftOut : .cached
        self.init(
            name: name, calls: calls, milliseconds: milliseconds, floorMilliseconds: floor, operations: operations,
            bytes: bytes, reason: floor > milliseconds ? reason : nil)
    }
}

// MARK: - Measuring

extension CostProfile {
    private static let repetitions = 15

    /// Profiles an executable, with what surrounds it.
    private init(
        _ work: BenchmarkWork, batch: Int, parameters: Int, peaks: MachinePeaks, machine: CPUMachine,
        executable: CPUExecutable,
        surroundings: [(name: String, bytes: Int, stream: MachinePeaks.Stream, run: () -> Void)] = []
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
        var kinds: [String: [(milliseconds: Double, floor: Floor, operations: Int, bytes: Int)]] = [:]
        for (index, instruction) in runs[0].enumerated() {
            let seconds = runs.map { $0[index].seconds }.sorted()[runs.count / 2]
            let (operations, bytes) = (instruction.floatingPointOperations, instruction.byteCount)
            kinds[instruction.name, default: []].append(
                (1e3 * seconds, peaks.floor(operations: operations, bytes: bytes), operations, bytes))
        }
        for (part, times) in zip(surroundings, times) {
            kinds[part.name] = [
                (Timing(times).median, peaks.floor(operations: 0, bytes: part.bytes, part.stream), 0, part.bytes)
            ]
        }
        rows = kinds.map { name, calls in
            Row(
                name: name, calls: calls.count, milliseconds: calls.reduce(0) { $0 + $1.milliseconds },
                floors: calls.map(\.floor), operations: calls.reduce(0) { $0 + $1.operations },
                bytes: calls.reduce(0) { $0 + $1.bytes })
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
        let bytes = 4 * model.table.count
        return try CostProfile(
            .training, batch: recipe.training.microBatchSize, parameters: model.table.parameterCount, peaks: peaks,
            machine: machine, executable: executable,
            surroundings: [
                ("norm of the gradients", bytes, .read, { _ = machine.sumOfSquares(of: state.gradients) }),
                (
                    "AdamW and moving average", MachinePeaks.updateStreams * bytes, .update,
                    { machine.update(state, table: model.table, with: MachinePeaks.update) }
                ),
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
