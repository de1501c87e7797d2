internal import CDPKernels
internal import DPBase
package import DPGraph

/// A backend for this computer's CPU: oneDNN's primitives and fused kernels on one team of threads.
///
/// One caller at a time leads the team, from any thread; other callers wait for their turn.
package final class CPUBackend: Backend {
    /// Number of threads in the team.
    package let threads: Int
    /// The vector instructions that the backend uses.
    package let instructions: InstructionSet
    /// The precision of the operands of products and of stored feature maps; see `Graph.withProducts(in:)`.
    package let precision: Precision
    /// How weights are stored in graphs without gradients.
    package let weights: WeightFormat
    let team: Team
    private let oneDNN: OneDNN

    /// Creates a backend with a team of threads.
    /// - Parameters:
    ///   - threads: by default, the number that suits the processors that the process may use; see `Processors`.
    ///   - precision: that of the operands of products. By default, bfloat16 if there are instructions for it,
    ///     otherwise float32. This default suits inference, where a product takes as long as reading its weights;
    ///     for training, see `precisionForTraining`. Compiling a graph for bfloat16 without such instructions
    ///     throws `InputError`.
    ///   - weights: how weights are stored in graphs without gradients.
    package init(threads: Int? = nil, precision: Precision? = nil, weights: WeightFormat = .native) {
        // This initializer cannot throw: an unknown name in the environment is reported when a graph is compiled.
        instructions = (try? .inUse()) ?? .ofProcessor
        self.precision = precision ?? (instructions.multipliesBFloat16 ? .bfloat16 : .float32)
        self.weights = weights
        team = Team(threads: max(1, threads ?? Processors().threads))
        self.threads = team.threads
        oneDNN = OneDNN()
    }

    /// The precision in which large products are fastest: bfloat16 if there are instructions for it and they are
    /// faster than those of float32.
    ///
    /// On an Intel processor without AMX (family 6, model 207), a large product reached 204 GFLOP/s in bfloat16 and
    /// 400 in float32; on an AMD processor (Zen 5), 901 and 474.
    package static var precisionForTraining: Precision {
        let instructions = (try? InstructionSet.inUse()) ?? .ofProcessor
        return instructions.multipliesBFloat16 && ck_multiplies_bfloat16_faster() != 0 ? .bfloat16 : .float32
    }

    /// Whether oneDNN's parallel regions run on the backend's team; otherwise they run on the threads of the OpenMP
    /// runtime.
    static var sharesTeamWithOneDNN: Bool { ck_serves_openmp() != 0 }

    /// The library that multiplies matrices, and its version.
    package static var library: String {
        sharesTeamWithOneDNN ? OneDNN.version : "\(OneDNN.version) with its own threads"
    }

    /// Creates a vector of zeros.
    /// - Throws: `OutOfMemory`.
    package func makeBuffer(count: Int) throws -> any DeviceBuffer { try CPUBuffer(count: count, team: team) }

    /// Hoists values that change rarely, rounds the operands of products, fuses operations, assigns the values to
    /// one arena, packs the weights and prepares the primitives.
    /// - Throws: `InputError`, `OutOfMemory`.
    package func compile(
        _ graph: Graph, parameters: any DeviceBuffer, gradients: (any DeviceBuffer)?
    ) throws -> any Executable {
        let instructions = try InstructionSet.inUse()
        guard precision == .float32 || instructions.multipliesBFloat16 else {
            throw InputError.unsupported(precision, with: instructions)
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

    /// Returns the sum of the squares of a vector's elements.
    package func sumOfSquares(of buffer: any DeviceBuffer) -> Double {
        let vector = cpu(buffer)
        return team.perform { ck_sum_of_squares(vector.floats, vector.count, Int32(threads)) }
    }

    /// Adds `factor` times a vector to another.
    package func add(_ buffer: any DeviceBuffer, scaledBy factor: Float, to total: any DeviceBuffer) {
        let (buffer, total) = (cpu(buffer), cpu(total))
        precondition(buffer.count == total.count, "\(buffer.count) and \(total.count) elements")
        team.perform {
            ck_accumulate(buffer.floats, factor, total.floats, total.count, Int32(threads))
            total.markChanged()
        }
    }

    /// Applies one AdamW update, then updates the EMA; the EMA of a frozen range is a copy of its weights.
    package func update(_ state: TrainingState, table: ParameterTable, with update: AdamWUpdate) {
        state.checkVectors(table)
        let vectors = TrainingVectors(
            parameters: cpu(state.parameters), gradients: cpu(state.gradients), firstMoment: cpu(state.firstMoment),
            secondMoment: cpu(state.secondMoment), average: cpu(state.average))
        team.perform { vectors.update(table, with: update, threads: Int32(threads)) }
    }

    /// Runs a series of calls as the leader of the team.
    package func perform<Result>(_ body: () throws -> Result) rethrows -> Result { try team.perform(body) }

    private func cpu(_ buffer: any DeviceBuffer) -> CPUBuffer {
        guard let buffer = buffer as? CPUBuffer else {
            preconditionFailure("expected a buffer of this backend, found \(Swift.type(of: buffer))")
        }
        return buffer
    }
}
