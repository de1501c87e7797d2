import DPBase
import DPInterface
import Foundation
import Testing

@Suite struct ObservationSchemaTests {
    private let observation = RobotObservation(vectors: [
        "state": [1, 2, 3, 4, 5], "keypoint": (0..<18).map { Float($0) + 10 },
    ])

    @Test func thePresetsOfPushTHaveTheOrderOfTheReference() throws {
        #expect(try ObservationSchema.pushTState.vector(from: observation) == [1, 2, 3, 4, 5])
        #expect(
            try ObservationSchema.pushTKeypoints.vector(from: observation) == (0..<18).map { Float($0) + 10 } + [1, 2])
        #expect(ObservationSchema.pushTKeypoints.dimension == nil)
        let resolved = try ObservationSchema.pushTKeypoints.resolved(featureSizes: ["state": 5, "keypoint": 18])
        #expect(resolved.dimension == 20)
    }

    @Test func whatDoesNotFitIsNamed() throws {
        let schema = try ObservationSchema.pushTKeypoints.resolved(featureSizes: ["state": 5, "keypoint": 18])
        func reason(_ vectors: [String: [Float]]) -> InputError? {
            #expect(throws: InputError.self) { try schema.vector(from: RobotObservation(vectors: vectors)) }
        }
        let keypoint = [Float](repeating: 0, count: 18)
        #expect(reason(["keypoint": keypoint]) == .missingFeature("state", available: ["keypoint"]))
        #expect(
            reason(["keypoint": [1, 2], "state": [1, 2, 3, 4, 5]])
                == .wrongSize(feature: "keypoint", expected: "18 numbers", found: 2))
        #expect(
            reason(["keypoint": keypoint, "state": [1, .nan, 3, 4, 5]])
                == .notFinite(feature: "state", index: 1, value: "nan"))
        #expect(throws: InputError.nothingChosen) { try ObservationSchema([]).resolved(featureSizes: [:]) }
        #expect(
            throws: InputError.wrongSize(feature: "state", expected: "slice 4..<6 inside the feature", found: 5)
        ) {
            try ObservationSchema([FeatureSelection("state", slice: 4..<6)]).vector(from: observation)
        }
    }

    @Test func columnsAreAPairOfNumbersInARecipe() throws {
        let json = #"{"features": [{"name": "keypoint"}, {"name": "state", "slice": [0, 2]}]}"#
        #expect(try JSONDecoder().decode(ObservationSchema.self, from: Data(json.utf8)) == .pushTKeypoints)
        let wrong = #"{"features": [{"name": "state", "slice": [2, 0]}]}"#
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(ObservationSchema.self, from: Data(wrong.utf8)) }
    }
}
