import DPBase
import DPInterface
import Testing

@Test(arguments: [Horizon(), Horizon(observation: 1, prediction: 1, action: 1), Horizon(action: 15)])
func possibleHorizonIsAccepted(horizon: Horizon) throws {
    try horizon.validate()
    #expect(horizon.executed.count == horizon.action)
    #expect(horizon.executed.upperBound <= horizon.prediction)
}

@Test func executionStartsAtTheNewestObservation() {
    #expect(Horizon(observation: 2, prediction: 16, action: 8).executed == 1..<9)
}

@Test(arguments: [
    (Horizon(observation: 2, prediction: 16, action: 16), "the action horizon may be 1...15"),
    (Horizon(observation: 2, prediction: 16, action: 0), "the action horizon may be 1...15"),
    (Horizon(observation: 0, prediction: 16, action: 8), "the action horizon may be 1...16"),
    (Horizon(observation: 5, prediction: 4, action: 8), "make the prediction horizon at least 12"),
    (Horizon(observation: 1, prediction: -3, action: 1), "make the prediction horizon at least 1"),
])
func impossibleHorizonSaysWhichLengthsWork(horizon: Horizon, hint: String) {
    let error = #expect(throws: InputError.self) { try horizon.validate() }
    #expect(error?.description.hasSuffix(hint) == true, "\(error?.description ?? "")")
}
