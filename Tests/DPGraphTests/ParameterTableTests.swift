import DPGraph
import Testing

@Suite("Table of parameters")
struct ParameterTableTests {
    private let table = ParameterTable([
        Parameter("a.weight", [3, 5], .uniform(bound: 1)), Parameter("a.bias", [16], .constant(0), decays: false),
        Parameter("b.weight", [17], .constant(1)), Parameter("b.scalar", [], .constant(1)),
    ])

    @Test("Ranges follow one another at multiples of 16")
    func layout() {
        #expect(table.ranges.map(\.offset) == [0, 16, 32, 64])
        #expect(table.ranges.map(\.elements) == [0..<15, 16..<32, 32..<49, 64..<65])
        #expect(table.count == 80)
        #expect(table.parameterCount == 15 + 16 + 17 + 1)
    }

    @Test("Parameters are found by name")
    func names() {
        #expect(table.index(of: "b.weight") == 2)
        #expect(table.index(of: "c") == nil)
        #expect(table.ranges.map(\.parameter.decays) == [true, false, true, true])
    }

    @Test("A prefix selects the ranges to train, and their learning rate")
    func training() {
        var table = table
        #expect(table.ranges.allSatisfy { $0.isTrainable && $0.rateMultiplier == 1 })
        table.setTraining(ofPrefix: "a.", isTrainable: false)
        table.setTraining(ofPrefix: "b.w", isTrainable: true, rateMultiplier: 0.1)
        #expect(table.ranges.map(\.isTrainable) == [false, false, true, true])
        #expect(table.ranges.map(\.rateMultiplier) == [1, 1, 0.1, 1])
    }

    @Test("An empty table is possible")
    func empty() {
        #expect(ParameterTable([]).count == 0)
    }
}
