import DPBase
import DPPushT

/// Measures the simulator alone.
enum SimulatorBenchmark {
    /// Control steps of one repetition.
    private static let controlSteps = 1000

    /// Sends the agent to random targets, a new one every eight control steps, in episodes of 100 control steps.
    static func measure(repetitions: Int) throws -> Measurement {
        let clock = ContinuousClock()
        let key = RandomKey(seed: 0)
        let times = try (0..<repetitions + 1).map { repetition in
            let environment = PushTEnvironment(seed: UInt64(repetition))
            return try clock.measure {
                for step in 0..<controlSteps {
                    if step % 100 == 0 { environment.reset(seed: UInt64(repetition * controlSteps + step)) }
                    let place = 2 * (repetition * controlSteps + step) / 8
                    try environment.step(
                        toward: 50 + 400 * SIMD2(key.uniform(at: 2 * place), key.uniform(at: 2 * place + 1)))
                }
            }
        }
        let timing = Timing(Array(times.dropFirst()))
        return Measurement(
            work: .simulator, batch: 1, milliseconds: timing,
            details: ["control_steps_per_second": 1000 * Double(controlSteps) / timing.median])
    }
}
