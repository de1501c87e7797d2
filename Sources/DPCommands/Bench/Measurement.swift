import DPCPU
import DPGraph
import Foundation

/// The measurement of one kind of work.
struct Measurement: Codable {
    let work: BenchmarkWork
    /// The number of parameters of the network, if there is one.
    var parameters: Int?
    /// Windows, requests or environments in a batch.
    let batch: Int
    /// Denoising steps in one repetition, if any.
    var denoisingSteps: Int?
    /// Whether the caches were emptied before each repetition.
    var isCold = false
    let milliseconds: Timing
    /// Further measurements, by name and unit.
    var details: [String: Double] = [:]

    enum CodingKeys: String, CodingKey {
        case work
        case parameters
        case batch
        case denoisingSteps = "denoising_steps"
        case isCold = "cold"
        case milliseconds
        case details
    }
}

/// The measurements of one process, with its subject and machine.
struct BenchmarkReport: Codable {
    let subject: String
    let library: String
    let instructions: InstructionSet
    let precision: Precision
    let weights: WeightFormat
    let threads: Int
    let measurements: [Measurement]
    /// The peak memory of the process in MiB; nil if the system does not report it.
    let peakMemory: Double?

    enum CodingKeys: String, CodingKey {
        case subject
        case library
        case instructions
        case precision
        case weights
        case threads
        case measurements
        case peakMemory = "peak_memory_mib"
    }
}

extension BenchmarkReport: CustomStringConvertible {
    /// A readable table.
    var description: String {
        let parameters = measurements.compactMap(\.parameters).first.map { "\($0) parameters, " } ?? ""
        let rows = measurements.map { measurement in
            let name = measurement.name.padding(toLength: 44, withPad: " ", startingAt: 0)
            let timing = measurement.milliseconds
            let times = String(
                format: "%10.3f%10.3f%10.3f%10.3f", timing.median, timing.minimum, timing.p99, timing.maximum)
            let details = measurement.details.sorted { $0.key < $1.key }.map { String(format: "  %@ %.4g", $0, $1) }
            return name + times + details.joined()
        }
        let memory = peakMemory.map { String(format: ", peak memory %.0f MiB", $0) } ?? ""
        let heading = "milliseconds".padding(toLength: 44, withPad: " ", startingAt: 0)
        return """
            \(subject): \(parameters)\(precision.rawValue)\(weights == .native ? "" : " with \(weights.rawValue) weights"), \(threads) threads, \(library), \(instructions.rawValue)\(memory)
            \(heading)    median       min       p99       max
            \(rows.joined(separator: "\n"))
            """
    }
}

extension Measurement {
    /// A readable name of the measurement.
    fileprivate var name: String {
        let steps = denoisingSteps.map { ", \($0) steps" } ?? ""
        return "\(work.title), batch \(batch)\(steps)\(isCold ? ", cold caches" : "")"
    }
}
