import DPBase
import DPInterface
import DPServing
import TestSupport
import Testing

/// Reading and writing of responses and metadata.
@Suite struct AnswerTests {
    @Test(arguments: [true, false]) func responsesRoundTrip(_ isFirst: Bool) throws {
        let answer = PolicyResponse(
            actions: [[1, 2], [3, 4]], prediction: isFirst ? nil : [[1, 2], [3, 4], [5, 6]],
            clampedActions: isFirst ? 0 : 2, outOfRangeObservations: isFirst ? 0 : 3,
            timing: PolicyResponse.Timing(inference: 1.5, waiting: 0.25, batch: 3, previousTotal: isFirst ? nil : 7))
        let message = try MessagePackValue(decoding: answer.message.encoded)
        #expect(try PolicyResponse(message, actionDimension: 2) == answer)
        #expect(throws: InputError.self) { try PolicyResponse(message, actionDimension: 3) }
    }

    @Test func answersKeepDoublePrecision() throws {
        let doubles = [[1_700_000_000.125], [1_700_000_001.125]]
        let floats = doubles.map { $0.map(Float.init) }
        let answer = PolicyResponse(
            actions: [floats[0]], prediction: floats, doubles: [doubles[0]], doublePrediction: doubles,
            timing: PolicyResponse.Timing(inference: 1))
        let message = try MessagePackValue(decoding: answer.message.encoded)
        #expect(try PolicyResponse(message, actionDimension: 1) == answer)
    }

    @Test func answersHaveTheKeysOfOpenpi() throws {
        let answer = PolicyResponse(actions: [[1, 2]], timing: PolicyResponse.Timing(inference: 1, previousTotal: 2))
        guard case .map(let entries) = answer.message, case .map(let times) = entries[1].value else {
            Issue.record("no map")
            return
        }
        #expect(entries.map(\.key) == [.string("actions"), .string("server_timing")])
        #expect(entries[0].value == Fixtures.array([0, 0, 0x80, 0x3F, 0, 0, 0, 0x40], "<f4", [1, 2]))
        #expect(
            Set(["infer_ms", "prev_total_ms"]).isSubset(
                of: times.map { if case .string(let key) = $0.key { key } else { "" } }))
    }

    @Test func metadataRoundTrips() throws {
        let names = FeatureNames(["state": "observation/state"])
        let message = try MessagePackValue(decoding: Fixtures.policy.message(names).encoded)
        let (metadata, read) = try PolicyMetadata.read(message)
        #expect(metadata.name == "test" && metadata.actionDimension == 2)
        #expect(metadata.horizon == Fixtures.policy.horizon)
        #expect(read.inMessages("state") == "observation/state" && read.inMessages("img") == "img")
        // Sizes are those of whole features; the components that the policy selects are not part of the message.
        #expect(Set(metadata.observations.features.map(\.size)) == [3, 4])
        #expect(metadata.observations.images == [ImageSelection("img", size: ImageSize(height: 2, width: 3))])
        // A client that follows the metadata sends a request that the server accepts.
        let request = Fixtures.request.message(for: metadata, names: read)
        #expect(try PolicyRequest.read(request, for: Fixtures.policy, names: names).request == Fixtures.request)
    }

    /// Without a limit, a server could make its clients reserve all memory.
    @Test func refusesRequestsThatAreTooLarge() {
        let size = ImageSize(height: 65_536, width: 65_536)
        let policy = PolicyMetadata(
            name: "", observations: ObservationSchema(images: [ImageSelection("img", size: size)]), actionDimension: 1,
            horizon: Horizon(observation: 1, prediction: 1, action: 1))
        #expect(message { _ = try PolicyMetadata.read(policy.message()) }.contains("expected requests of at most"))
    }

    @Test(arguments: [.null, .map([]), .map([.init(.string("horizon"), .integer(1))])] as [MessagePackValue])
    func refusesInvalidMetadata(_ message: MessagePackValue) {
        #expect(throws: InputError.self) { try PolicyMetadata.read(message) }
    }
}
