internal import CKernels
internal import Foundation
public import TensorGraph

/// A backend for this computer's processor: oneDNN's primitives and fused kernels on one team of threads.
///
/// All work runs on one thread of its own and the team that it leads; callers hand over and wait.
public final class CPUMachine: Backend {
    /// Threads that work together.
    public let threads: Int
    /// The vector instructions that it computes with.
    public let instructions: InstructionSet
    private let engine: EngineThread
    private let oneDNN: OneDNN

    /// A machine with a team of threads.
    /// - Parameter threads: as many as the process may use processors, if not given.
    public init(threads: Int? = nil) {
        let threads = max(1, threads ?? ProcessInfo.processInfo.activeProcessorCount)
        self.threads = threads
        // An unknown name is told of when a graph is compiled, which may throw.
        instructions = (try? .inUse()) ?? .ofProcessor
        engine = EngineThread { ck_set_threads(Int32(threads)) }
        oneDNN = OneDNN()
    }

    /// The library that multiplies matrices, with its version.
    public static var library: String { OneDNN.version }

    /// A vector of zeros.
    /// - Throws: `OutOfMemory`.
    public func makeBuffer(count: Int) throws -> any DeviceBuffer { try CPUBuffer(count: count, engine: engine) }

    /// Hoists what changes seldom, fuses, places the values in one arena, packs the weights and prepares the primitives.
    /// - Throws: `UnknownInstructionSet`, `UnsupportedPrecision`, `OutOfMemory`.
    public func compile(
        _ graph: Graph, parameters: any DeviceBuffer, gradients: (any DeviceBuffer)?
    ) throws -> any Executable {
        _ = try InstructionSet.inUse()
        graph.checkVectors(parameters: parameters, gradients: gradients)
        let buffer = cpu(parameters)
        return try engine.perform {
            let plan = try Plan(
                graph.hoisted(), parameters: buffer, gradients: gradients.map(cpu), oneDNN: oneDNN,
                threads: Int32(threads))
            return CPUExecutable(plan: plan, engine: engine)
        }
    }

    /// The sum of the squares of a vector's elements.
    public func sumOfSquares(of buffer: any DeviceBuffer) -> Double {
        let buffer = cpu(buffer)
        return engine.perform { ck_sum_of_squares(buffer.floats, buffer.count, Int32(threads)) }
    }

    /// Adds `factor` times a vector to another.
    public func add(_ buffer: any DeviceBuffer, scaledBy factor: Float, to total: any DeviceBuffer) {
        let (buffer, total) = (cpu(buffer), cpu(total))
        precondition(buffer.count == total.count, "\(buffer.count) and \(total.count) elements")
        engine.perform {
            ck_accumulate(buffer.floats, factor, total.floats, buffer.count, Int32(threads))
            total.markChanged()
        }
    }

    /// One AdamW update and the moving average after it; the average of a frozen range is a copy of its weights.
    public func update(_ state: TrainingState, table: ParameterTable, with update: AdamWUpdate) {
        state.checkVectors(table)
        let (parameters, average) = (cpu(state.parameters), cpu(state.average))
        let (gradients, first, second) = (cpu(state.gradients), cpu(state.firstMoment), cpu(state.secondMoment))
        engine.perform {
            for run in table.uniformRuns() {
                var numbers = ck_adamw(update, rateMultiplier: run.rateMultiplier, decays: run.decays)
                let offset = run.elements.lowerBound
                ck_adamw_update(
                    &numbers, parameters.floats + offset, gradients.floats + offset, first.floats + offset,
                    second.floats + offset, average.floats + offset, run.elements.count, Int32(threads))
            }
            for range in table.ranges where !range.isTrainable {
                (average.floats + range.offset).update(
                    from: parameters.floats + range.offset, count: range.shape.count)
            }
            parameters.markChanged()
            average.markChanged()
        }
    }

    /// Runs a series of calls on the engine's thread.
    public func perform<Result>(_ body: () throws -> Result) rethrows -> Result { try engine.perform(body) }

    private func cpu(_ buffer: any DeviceBuffer) -> CPUBuffer {
        guard let buffer = buffer as? CPUBuffer else {
            preconditionFailure("expected a buffer of this backend, found \(Swift.type(of: buffer))")
        }
        return buffer
    }
}

extension ParameterTable {
    /// Neighbouring ranges that are updated alike.
    fileprivate struct Run {
        var elements: Swift.Range<Int>
        var rateMultiplier: Float
        var decays: Bool
    }

    /// The trainable part of the flat vector in as few pieces as possible; the gaps between ranges stay 0 under any update.
    fileprivate func uniformRuns() -> [Run] {
        var runs: [Run] = []
        for range in ranges where range.isTrainable {
            let end = range.offset + (range.shape.count + 15) / 16 * 16
            if let last = runs.last, last.elements.upperBound == range.offset, last.decays == range.parameter.decays,
                last.rateMultiplier == range.rateMultiplier
            {
                runs[runs.count - 1].elements = last.elements.lowerBound..<end
            } else {
                runs.append(
                    Run(
                        elements: range.offset..<end, rateMultiplier: range.rateMultiplier,
                        decays: range.parameter.decays))
            }
        }
        return runs
    }
}

extension ck_adamw {
    fileprivate init(_ update: AdamWUpdate, rateMultiplier: Float, decays: Bool) {
        let rate = update.learningRate * Double(rateMultiplier)
        let step = Double(update.step)
        self.init(
            decay_factor: Float(1 - rate * (decays ? update.weightDecay : 0)),
            beta1: Float(update.beta1), beta2: Float(update.beta2), one_minus_beta1: Float(1 - update.beta1),
            one_minus_beta2: Float(1 - update.beta2),
            step_size: Float(rate / (1 - pow(update.beta1, step))),
            inverse_root_correction: Float(1 / (1 - pow(update.beta2, step)).squareRoot()),
            epsilon: Float(update.epsilon), gradient_scale: Float(update.gradientScale),
            average_decay: Float(update.averageDecay), one_minus_average_decay: Float(1 - update.averageDecay))
    }
}
