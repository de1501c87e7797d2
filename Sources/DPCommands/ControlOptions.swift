import ArgumentParser
import DPInterface

/// Options for the execution of chunks and for simulated latency.
struct ControlOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Simulated inference time of a chunk in seconds, rounded up to control steps of 0.1 s.",
            valueName: "seconds"))
    var latency = 0.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Simulated delay of observations in seconds, rounded up to control steps.", valueName: "seconds"))
    var observationLatency = 0.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Simulated delay of commands in seconds, rounded up to control steps.", valueName: "seconds"))
    var actionLatency = 0.0

    @Option(
        help: ArgumentHelp(
            """
            How to merge consecutive chunks: \(ControlOptions.mergingNames). \
            Default: \(ControlConfiguration().merging) with a latency or an --interval, otherwise synchronous.
            """),
        transform: ChunkMerging.init)
    var merging: ChunkMerging?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Control steps between requests to the policy; default: its action horizon, or 1 for temporal ensembling.",
            valueName: "steps"))
    var interval: Int?

    /// The names of all merging methods.
    static let mergingNames = ChunkMerging.all.map(\.description).joined(separator: ", ")

    /// The simulated latencies.
    var simulatedLatency: SimulatedLatency {
        SimulatedLatency(observation: observationLatency, computation: latency, action: actionLatency)
    }

    /// The control configuration.
    var control: ControlConfiguration {
        let usual = ControlConfiguration.usualMerging(isLate: simulatedLatency.total > 0 || interval != nil)
        return ControlConfiguration(merging: merging ?? usual, interval: interval)
    }

    /// A readable summary; nil for receding-horizon control without latency.
    var summary: String? {
        if control == .recedingHorizon, simulatedLatency == SimulatedLatency() { return nil }
        let milliseconds = Int((simulatedLatency.total * 1000).rounded())
        return "\(control.merging) at \(milliseconds) ms"
    }

    func validate() throws {
        if interval != nil, control.merging == .synchronous {
            throw ValidationError("--interval: expected an asynchronous --merging, found synchronous; omit one of them")
        }
        try checkingUsage {
            try control.validate()
            try simulatedLatency.validate()
        }
    }
}
