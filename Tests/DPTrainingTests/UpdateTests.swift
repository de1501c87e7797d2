import DPCPU
import DPGraph
import Foundation
import TestSupport
import Testing

@testable import DPTraining

@Suite struct UpdateTests {
    /// Compares ten updates of one weight, computed by hand in PyTorch's order, with the machine's updates.
    @Test func tenUpdatesAgreeWithTheFormulasAndFrozenRangesStay() throws {
        var table = ParameterTable([
            Parameter("encoder.weight", [3, 7], .constant(0)), Parameter("head.weight", [5], .constant(0)),
        ])
        table.setTraining(ofPrefix: "encoder.", isTrainable: false)
        let machine = ToyRobot.machine
        let state = try TrainingState(on: machine, table: table)
        let start = (0..<table.count).map { Float($0) * 0.01 - 0.2 }
        state.parameters.write(start)
        state.average.write(start)

        let optimizer = changed(AdamWConfiguration()) {
            $0.learningRate = 0.01
            $0.weightDecay = 0.1
        }
        let schedule = LearningRateSchedule.cosine(warmUp: 3)
        let decay = EMASchedule()
        let place = table.ranges[1].offset + 2
        var (weight, mean, square, average) = (Double(start[place]), 0.0, 0.0, Double(start[place]))
        for step in 0..<10 {
            let gradient = Float(step) * 0.3 - 1
            state.gradients.write([Float](repeating: gradient, count: table.count))
            let rate = schedule.learningRate(at: step, of: 10, peak: optimizer.learningRate)
            machine.update(
                state, table: table,
                with: AdamWUpdate(
                    step: step + 1, learningRate: rate, beta1: 0.95, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1,
                    gradientScale: 0.5, averageDecay: decay.decay(at: step)))

            let scaled = 0.5 * Double(gradient)
            weight -= rate * 0.1 * weight
            mean = 0.95 * mean + 0.05 * scaled
            square = 0.999 * square + 0.001 * scaled * scaled
            let (meanCorrection, squareCorrection) = (1 - pow(0.95, Double(step + 1)), 1 - pow(0.999, Double(step + 1)))
            weight -= rate / meanCorrection * mean / (square.squareRoot() / squareCorrection.squareRoot() + 1e-8)
            average = decay.decay(at: step) * average + (1 - decay.decay(at: step)) * weight
            #expect(abs(Double(state.parameters.values()[place]) - weight) < 1e-6)
            #expect(abs(Double(state.average.values()[place]) - average) < 1e-6)
        }
        let frozen = table.ranges[0].elements
        #expect(state.parameters.values()[frozen] == start[frozen])
        #expect(state.average.values()[frozen] == start[frozen])
        #expect(state.firstMoment.values()[frozen].allSatisfy { $0 == 0 })
    }
}
