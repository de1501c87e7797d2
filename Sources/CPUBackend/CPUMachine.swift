internal import CKernels
internal import MachineResources
public import TensorGraph

/// A backend for this computer's processor: oneDNN's primitives and fused kernels on one team of threads.
///
/// One caller at a time leads the team, whichever thread it is on; others wait for their turn.
public final class CPUMachine: Backend {
    /// Threads that work together.
    public let threads: Int
    /// The vector instructions that it computes with.
    public let instructions: InstructionSet
    /// The precision of the operands of products; everything else is in float32.
    public let precision: Precision
    /// How weights are kept in graphs without gradients.
    public let weights: WeightFormat
    let team: Team
    private let oneDNN: OneDNN

    /// A machine with a team of threads.
    /// - Parameters:
    ///   - threads: those that suit the processors that the process may use, see `Processors`, if not given.
    ///   - precision: that of the operands of products; if not given, bfloat16 where there are instructions for it, otherwise float32, which suits
    ///     acting, where a product takes as long as reading its weights; see `precisionForTraining`. Compiling
    ///     a graph for bfloat16 without them throws `UnsupportedPrecision`.
    ///   - weights: how weights are kept in graphs without gradients.
    public init(threads: Int? = nil, precision: Precision? = nil, weights: WeightFormat = .native) {
        // An unknown name is told of when a graph is compiled, which may throw.
        instructions = (try? .inUse()) ?? .ofProcessor
        self.precision = precision ?? (instructions.multipliesBFloat16 ? .bfloat16 : .float32)
        self.weights = weights
        team = Team(threads: max(1, threads ?? Processors().threads))
        self.threads = team.threads
        oneDNN = OneDNN()
    }

    /// The precision in which large products are fastest: bfloat16 where there are instructions for it, and they do more than those of float32.
    ///
    /// On a processor of Intel without AMX (family 6, model 207) a large product reached 204 GFLOP/s in bfloat16 and 400 in float32; on one of AMD
    /// (Zen 5), 901 and 474.
    public static var precisionForTraining: Precision {
        let instructions = (try? InstructionSet.inUse()) ?? .ofProcessor
        return instructions.multipliesBFloat16 && ck_multiplies_bfloat16_faster() != 0 ? .bfloat16 : .float32
    }

    /// Whether oneDNN's parallel regions run on the machine's own team; otherwise they run on one of the OpenMP runtime's.
    static var sharesTeamWithOneDNN: Bool { ck_serves_openmp() != 0 }

    /// The library that multiplies matrices, with its version.
    public static var library: String {
        sharesTeamWithOneDNN ? OneDNN.version : "\(OneDNN.version) with its own threads"
    }

    /// A vector of zeros.
    /// - Throws: `OutOfMemory`.
    public func makeBuffer(count: Int) throws -> any DeviceBuffer { try CPUBuffer(count: count, team: team) }

    /// Hoists what changes seldom, rounds the operands of products, fuses, places the values in one arena, packs the weights and prepares the
    /// primitives.
    /// - Throws: `UnknownInstructionSet`, `UnsupportedPrecision`, `OutOfMemory`.
    public func compile(
        _ graph: Graph, parameters: any DeviceBuffer, gradients: (any DeviceBuffer)?
    ) throws -> any Executable {
        let instructions = try InstructionSet.inUse()
        guard precision == .float32 || instructions.multipliesBFloat16 else {
            throw UnsupportedPrecision(precision: precision, instructions: instructions)
        }
        graph.checkVectors(parameters: parameters, gradients: gradients)
        let buffer = cpu(parameters)
        return try team.perform {
            let plan = try Plan(
                graph.hoisted().withProducts(in: precision), parameters: buffer, gradients: gradients.map(cpu),
                oneDNN: oneDNN, weights: weights, threads: Int32(threads))
            return CPUExecutable(plan: plan, team: team, goal: gradients == nil ? ck_latency : ck_throughput)
        }
    }

    /// The sum of the squares of a vector's elements.
    public func sumOfSquares(of buffer: any DeviceBuffer) -> Double {
        let vector = cpu(buffer)
        return team.perform { ck_sum_of_squares(vector.floats, vector.count, Int32(threads)) }
    }

    /// Adds `factor` times a vector to another.
    public func add(_ buffer: any DeviceBuffer, scaledBy factor: Float, to total: any DeviceBuffer) {
        let (buffer, total) = (cpu(buffer), cpu(total))
        precondition(buffer.count == total.count, "\(buffer.count) and \(total.count) elements")
        team.perform {
            ck_accumulate(buffer.floats, factor, total.floats, total.count, Int32(threads))
            total.markChanged()
        }
    }

    /// One AdamW update and the moving average after it; the average of a frozen range is a copy of its weights.
    public func update(_ state: TrainingState, table: ParameterTable, with update: AdamWUpdate) {
        state.checkVectors(table)
        let vectors = TrainingVectors(
            parameters: cpu(state.parameters), gradients: cpu(state.gradients), firstMoment: cpu(state.firstMoment),
            secondMoment: cpu(state.secondMoment), average: cpu(state.average))
        team.perform { vectors.update(table, with: update, threads: Int32(threads)) }
    }

    /// Runs a series of calls as the leader of the team.
    public func perform<Result>(_ body: () throws -> Result) rethrows -> Result { try team.perform(body) }

    private func cpu(_ buffer: any DeviceBuffer) -> CPUBuffer {
        guard let buffer = buffer as? CPUBuffer else {
            preconditionFailure("expected a buffer of this backend, found \(Swift.type(of: buffer))")
        }
        return buffer
    }
}
