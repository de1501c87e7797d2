import DPBase
import DPNetworks
import Foundation
import TestSupport
import Testing

@Suite("U-Net configuration")
struct ConditionalUNet1DConfigurationTests {
    typealias Configuration = ConditionalUNet1D.Configuration

    @Test(
        "an invalid setting is rejected with its name, the valid values, and the found value",
        arguments: [
            (Configuration(inputDimension: 0), "inputDimension: expected 1 to 65536, found 0"),
            (
                Configuration(inputDimension: 2, localConditioningDimension: -1),
                "localConditioningDimension: expected 1 to 65536, found -1"
            ),
            (
                Configuration(inputDimension: 2, globalConditioningDimension: .max),
                "globalConditioningDimension: expected 1 to 65536, found 9223372036854775807"
            ),
            (
                Configuration(inputDimension: 2, stepEmbeddingDimension: 2),
                "stepEmbeddingDimension: expected 4 to 65536, found 2"
            ),
            (
                Configuration(inputDimension: 2, stepEmbeddingDimension: 7),
                "stepEmbeddingDimension: expected an even number, half of it sines and half cosines, found 7"
            ),
            (
                Configuration(inputDimension: 2, kernelSize: 4),
                "kernelSize: expected an odd number, since an even one would change the sequence's length, found 4"
            ),
            (Configuration(inputDimension: 2, groups: 0), "groups: expected 1 to 65536, found 0"),
            (
                Configuration(inputDimension: 2, downDimensions: []),
                "downDimensions: expected 1 to 16 widths, found 0"
            ),
            (
                Configuration(inputDimension: 2, downDimensions: [64, 100]),
                "downDimensions[1]: expected a multiple of 8, the number of groups (for example 96 or 104), found 100"
            ),
            (
                Configuration(inputDimension: 2, downDimensions: [12, 24], groups: 4),
                """
                downDimensions[0]: expected a multiple of 8, the number of groups of the last convolution block \
                (for example 8 or 16), found 12
                """
            ),
            (
                Configuration(inputDimension: 2, downDimensions: [4], groups: 8),
                "downDimensions[0]: expected a multiple of 8, the number of groups (for example 8), found 4"
            ),
        ])
    func refusals(configuration: Configuration, message: String) {
        let error = #expect(throws: InputError.self) { try ConditionalUNet1D(configuration) }
        #expect(error?.description == message)
    }

    @Test("a horizon that the levels cannot halve is rejected with the nearest valid horizons")
    func horizons() throws {
        let configuration = Configuration(inputDimension: 2)
        #expect(configuration.horizonMultiple == 4)
        for length in [4, 8, 16, 64] { try configuration.validate(predictionHorizon: length) }
        let error = #expect(throws: InputError.self) { try configuration.validate(predictionHorizon: 10) }
        #expect(
            error?.description == """
                horizon.prediction: expected a multiple of 4, because 3 levels halve it 2 times \
                (for example 8 or 12), found 10
                """)
        for length in [Int.min, -4, 0, 2, .max] {
            #expect(throws: InputError.self) { try configuration.validate(predictionHorizon: length) }
        }
    }

    @Test("settings survive a JSON round trip")
    func json() throws {
        let configuration = Configuration(
            inputDimension: 2, localConditioningDimension: 3, downDimensions: [16, 32], kernelSize: 3, groups: 4,
            condPredictScale: false)
        let json = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(Configuration.self, from: json) == configuration)
        #expect(try jsonKeys(in: json).filter { $0.contains(where: \.isUppercase) } == [])
    }
}
