import Foundation
import PolicyInterface
import Testing

@Suite struct ObservationSchemaTests {
    private let observation = Observation(vectors: [
        "state": [1, 2, 3, 4, 5], "keypoint": (0..<18).map { Float($0) + 10 },
    ])

    @Test func thePresetsOfPushTHaveTheOrderOfTheReference() throws {
        #expect(try ObservationSchema.pushTState.vector(from: observation) == [1, 2, 3, 4, 5])
        #expect(
            try ObservationSchema.pushTKeypoints.vector(from: observation) == (0..<18).map { Float($0) + 10 } + [1, 2])
        #expect(ObservationSchema.pushTKeypoints.dimension == nil)
        let resolved = try ObservationSchema.pushTKeypoints.resolved(widths: ["state": 5, "keypoint": 18])
        #expect(resolved.dimension == 20)
    }

    @Test func whatDoesNotFitIsNamed() throws {
        let schema = try ObservationSchema.pushTKeypoints.resolved(widths: ["state": 5, "keypoint": 18])
        func reason(_ vectors: [String: [Float]]) -> ObservationError? {
            #expect(throws: ObservationError.self) { try schema.vector(from: Observation(vectors: vectors)) }
        }
        let keypoint = [Float](repeating: 0, count: 18)
        #expect(reason(["keypoint": keypoint]) == .missingField("state", available: ["keypoint"]))
        #expect(
            reason(["keypoint": [1, 2], "state": [1, 2, 3, 4, 5]])
                == .wrongWidth(field: "keypoint", expected: "18 numbers", found: 2))
        #expect(
            reason(["keypoint": keypoint, "state": [1, .nan, 3, 4, 5]])
                == .notFinite(field: "state", index: 1, value: "nan"))
        #expect(throws: ObservationError.nothingChosen) { try ObservationSchema([]).resolved(widths: [:]) }
        #expect(
            throws: ObservationError.wrongWidth(field: "state", expected: "columns 4..<6 inside the field", found: 5)
        ) {
            try ObservationSchema([FieldSelection("state", columns: 4..<6)]).vector(from: observation)
        }
    }

    @Test func columnsAreAPairOfNumbersInARecipe() throws {
        let json = #"{"fields": [{"name": "keypoint"}, {"name": "state", "columns": [0, 2]}]}"#
        #expect(try JSONDecoder().decode(ObservationSchema.self, from: Data(json.utf8)) == .pushTKeypoints)
        let wrong = #"{"fields": [{"name": "state", "columns": [2, 0]}]}"#
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(ObservationSchema.self, from: Data(wrong.utf8)) }
    }
}
