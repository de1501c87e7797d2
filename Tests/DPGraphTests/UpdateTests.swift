import DPGraph
import ReferenceBackend
import TestSupport
import Testing

@Suite("Updates of the weights")
struct UpdateTests {
    private struct Golden: Decodable {
        struct AdamW: Decodable {
            let learningRate: Double
            let betas: [Double]
            let epsilon: Double
            let weightDecay: Double
            let initial: [Float]
            let afterEachStep: [[Float]]

            enum CodingKeys: String, CodingKey {
                case learningRate = "lr"
                case betas
                case epsilon = "eps"
                case weightDecay = "weight_decay"
                case initial
                case afterEachStep = "after_each_step"
            }
        }
        let adamw: AdamW
    }

    @Test(
        "AdamW matches PyTorch's steps", .enabled(if: Goldens.has("optimisation.json"), "optimisation.json is absent"),
        arguments: TestedBackend.all)
    func golden(_ backend: TestedBackend) throws {
        let golden = try Goldens.decode(Golden.self, from: "optimisation.json").adamw
        let table = ParameterTable([Parameter("p", [golden.initial.count], .constant(0))])
        let state = try TrainingState(on: backend.machine, table: table)
        state.parameters.write(golden.initial)
        for (step, expected) in golden.afterEachStep.enumerated() {
            state.gradients.write(fill("grad.\(step)", count: expected.count))
            let update = AdamWUpdate(
                step: step + 1, learningRate: golden.learningRate, beta1: golden.betas[0], beta2: golden.betas[1],
                epsilon: golden.epsilon, weightDecay: golden.weightDecay, gradientScale: 1, averageDecay: 0)
            try backend.machine.update(state, table: table, with: update)
            let found = state.parameters.values()
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-6 }, "step \(step): \(found)")
            #expect(state.average.values() == found)
        }
    }

    /// Ranges of odd sizes: with weight decay, without it, with a slow learning rate, and frozen.
    private var table: ParameterTable {
        var table = ParameterTable([
            Parameter("plain", [37], .constant(0)), Parameter("bias", [5], .constant(0), decays: false),
            Parameter("slow", [1_003], .constant(0)), Parameter("frozen", [20], .constant(0)),
        ])
        table.setTraining(ofPrefix: "slow", isTrainable: true, rateMultiplier: 0.1)
        table.setTraining(ofPrefix: "frozen", isTrainable: false)
        return table
    }

    /// Returns the state after three updates from given numbers.
    private func updated(on machine: any Backend) throws -> TrainingState {
        let state = try TrainingState(on: machine, table: table)
        for range in table.ranges {
            for (vector, buffer) in [("p", state.parameters), ("average", state.average)] {
                buffer.write(fill("\(range.name) \(vector)", count: range.shape.count), offset: range.offset)
            }
        }
        for step in 1...3 {
            for range in table.ranges where range.isTrainable {
                let gradient = fill("\(range.name) gradient \(step)", count: range.shape.count)
                state.gradients.write(gradient, offset: range.offset)
            }
            let update = AdamWUpdate(
                step: step, learningRate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.5,
                gradientScale: 0.7, averageDecay: 0.6)
            try machine.update(state, table: table, with: update)
        }
        return state
    }

    @Test("Each range is updated with its own settings, equally on every backend", arguments: TestedBackend.all)
    func ranges(_ backend: TestedBackend) throws {
        let expected = try updated(on: ReferenceMachine())
        let found = try updated(on: backend.machine)
        for (name, vector) in [
            ("parameters", \TrainingState.parameters), ("first moment", \.firstMoment),
            ("second moment", \.secondMoment), ("average", \.average),
        ] {
            let differences = zip(expected[keyPath: vector].values(), found[keyPath: vector].values())
            #expect(differences.allSatisfy { abs($0 - $1) <= 1e-6 }, "\(name)")
        }
        let frozen = table.ranges[3]
        let start = fill("frozen p", count: frozen.shape.count)
        #expect(Array(found.parameters.values()[frozen.elements]) == start)
        #expect(Array(found.average.values()[frozen.elements]) == start)
        #expect(found.firstMoment.values()[frozen.elements].allSatisfy { $0 == 0 })
        let gaps = Set(0..<table.count).subtracting(table.ranges.flatMap { Array($0.elements) })
        #expect(gaps.allSatisfy { found.parameters.values()[$0] == 0 })
    }

    @Test("One update of one number matches a calculation by hand")
    func byHand() throws {
        let machine = ReferenceMachine()
        let table = ParameterTable([Parameter("p", [1], .constant(0))])
        let state = try TrainingState(on: machine, table: table)
        state.parameters.write([2])
        state.gradients.write([4])
        state.average.write([1])
        machine.update(
            state, table: table,
            with: AdamWUpdate(
                step: 1, learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 0, weightDecay: 0.5, gradientScale: 0.5,
                averageDecay: 0.75))
        // Weight decay subtracts 0.1 · 0.5 · 2; Adam's first step equals the learning rate.
        #expect(abs(state.parameters.values()[0] - 1.8) <= 1e-6)
        #expect(abs(state.firstMoment.values()[0] - 0.2) <= 1e-6)
        #expect(abs(state.secondMoment.values()[0] - 0.04) <= 1e-6)
        #expect(abs(state.average.values()[0] - (0.75 + 0.25 * 1.8)) <= 1e-6)
    }
}
