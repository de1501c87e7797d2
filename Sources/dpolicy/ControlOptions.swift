import ArgumentParser
import Control

/// How the chunks of a policy are executed, and what is late in the simulated world.
struct ControlOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds of simulated time that the policy takes for a chunk, rounded up to control steps of 0.1 s.",
            valueName: "seconds"))
    var latency = 0.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Seconds until the controller sees the world, rounded up likewise.", valueName: "seconds"))
    var observationLatency = 0.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Seconds until the robot follows a command, rounded up likewise.", valueName: "seconds"))
    var actionLatency = 0.0

    @Option(
        help: ArgumentHelp(
            """
            How chunks follow each other: \(ControlOptions.joiningNames). If not given: \(ControlConfiguration().joining) with a latency or an --interval, \
            waiting without.
            """),
        transform: Joining.init)
    var joining: Joining?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Control steps between questions to the policy; its action horizon, or 1 for ensembling, if not given.",
            valueName: "steps"))
    var interval: Int?

    /// Every way of joining, as text.
    static let joiningNames = Joining.all.map(\.description).joined(separator: ", ")

    /// What is late.
    var simulatedLatency: SimulatedLatency {
        SimulatedLatency(observation: observationLatency, computation: latency, action: actionLatency)
    }

    /// How to control.
    var control: ControlConfiguration {
        let usual = ControlConfiguration.usualJoining(isLate: simulatedLatency.total > 0 || interval != nil)
        return ControlConfiguration(joining: joining ?? usual, interval: interval)
    }

    /// What differs from control without latency, for people.
    var summary: String? {
        if control == .recedingHorizon, simulatedLatency == SimulatedLatency() { return nil }
        let milliseconds = Int((simulatedLatency.total * 1000).rounded())
        return "\(control.joining) at \(milliseconds) ms"
    }

    func validate() throws {
        if interval != nil, control.joining == .waiting {
            throw ValidationError("--interval: waiting asks whenever a chunk is used up; leave one of them out")
        }
        try checkingUsage {
            try control.validate()
            try simulatedLatency.validate()
        }
    }
}
