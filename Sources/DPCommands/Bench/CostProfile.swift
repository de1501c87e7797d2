import DPBase
import DPCPU
import DPGraph
import DPPolicy
import DPTraining
import Foundation

/// The time of one kind of work, broken down by kind of operation.
struct CostProfile: Codable {
    /// All operations of one kind in one repetition.
    struct Row: Codable {
        let name: String
        let calls: Int
        let milliseconds: Double
        /// The floor: the minimum time on this machine, from its measured peaks.
        let floorMilliseconds: Double
        let operations: Int
        let bytes: Int
        /// The reason for a time below the floor; nil if it is not below.
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
        /// Its bytes came from a cache instead of memory.
        case cached = "cached"
        /// Some of the counted arithmetic was skipped: products with the zero padding of a sequence or image.
        case leftOut = "zeros left out"
    }

    /// The minimum seconds of an operation's arithmetic and of its memory traffic; the floor is the larger of the two.
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
    /// The kinds of operations, slowest first.
    let rows: [Row]
    /// The median of whole repetitions, without the overhead of timing each operation.
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
    /// Creates a row from the floors of its operations.
    init(
        name: String, calls: Int, milliseconds: Double, floors: [CostProfile.Floor], operations: Int, bytes: Int
    ) {
        let floor = 1e3 * floors.reduce(0) { $0 + $1.seconds }
        let arithmetic = 1e3 * floors.reduce(0) { $0 + $1.arithmetic }
        // If the arithmetic alone needs more than the measured time, some of it was skipped.
        let reason: CostProfile.Reason = arithmetic > milliseconds ? .leftOut : .cached
        self.init(
            name: name, calls: calls, milliseconds: milliseconds, floorMilliseconds: floor, operations: operations,
            bytes: bytes, reason: floor > milliseconds ? reason : nil)
    }
}

// MARK: - Measuring

extension CostProfile {
    private static let repetitions = 15

    /// Profiles an executable and the work around it.
    private init(
        _ work: BenchmarkWork, batch: Int, parameters: Int, peaks: MachinePeaks, machine: CPUBackend,
        executable: CPUExecutable,
        surroundings: [(name: String, bytes: Int, stream: MachinePeaks.Stream, run: () -> Void)] = []
    ) throws {
        func whole() {
            executable.run(.iteration)
            for part in surroundings { part.run() }
        }
        let clock = ContinuousClock()
        for _ in 0..<3 { whole() }
        wholeMilliseconds = Timing((0..<Self.repetitions).map { _ in clock.measure(whole) }).median

        var runs: [[InstructionProfile]] = []
        var times = surroundings.map { _ in [Duration]() }
        for _ in 0..<Self.repetitions {
            runs.append(executable.profile(.iteration))
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

    /// Profiles a training step: gradients, their norm, AdamW with EMA.
    static func training(_ recipe: Recipe, machine: CPUBackend, peaks: MachinePeaks) throws -> CostProfile {
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
                    "AdamW and EMA", MachinePeaks.updateStreams * bytes, .update,
                    { machine.update(state, table: model.table, with: MachinePeaks.update) }
                ),
            ])
    }

    /// Profiles a network pass, the image encoders, or a denoising step, which recomputes only what changes.
    static func acting(
        _ work: BenchmarkWork, _ policy: StoredPolicy, batch: Int, sampler: SamplerOptions, machine: CPUBackend,
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
        executable.run(.conditioning)
        return try CostProfile(
            work, batch: batch, parameters: model.table.parameterCount, peaks: peaks, machine: machine,
            executable: executable)
    }
}

extension CPUBackend {
    /// Compiles a graph and fills its inputs with random numbers.
    fileprivate func executable(
        _ graph: Graph, parameters: any DeviceBuffer, gradients: (any DeviceBuffer)?
    ) throws -> CPUExecutable {
        guard let executable = try compile(graph, parameters: parameters, gradients: gradients) as? CPUExecutable else {
            preconditionFailure("expected an executable of this machine")
        }
        for case .input(let name, let shape, _) in graph.nodes.map(\.operation) {
            var values = [Float](repeating: 1, count: shape.count)
            // Steps are table indices and scales are factors; all other inputs are normalized.
            if shape.rank > 1 { RandomKey(seed: 0).folding(name).fillNormal(&values) }
            executable.write(name, values)
        }
        return executable
    }
}
