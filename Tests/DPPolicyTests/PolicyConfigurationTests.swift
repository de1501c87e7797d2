import DPBase
import DPGraph
import DPInterface
import Foundation
import Testing

@testable import DPPolicy

private func message(_ change: (inout PolicyConfiguration) -> Void) throws -> String {
    var configuration = try TinyPolicy().configuration
    change(&configuration)
    do {
        try configuration.validate()
        return "valid"
    } catch { return "\(error)" }
}

@Test func configurationSurvivesCoding() throws {
    for conditioning in Conditioning.allCases {
        let configuration = try TinyPolicy(
            conditioning: conditioning, clip: nil, limits: .init(lower: [0, 0], upper: [512, 512])
        ).configuration
        let data = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(PolicyConfiguration.self, from: data) == configuration)
    }
}

@Test func configurationIsSpelledOutWithEveryKey() throws {
    var configuration = try TinyPolicy(clip: nil, sampler: .ddpm()).configuration
    configuration.normalization.features = ["goal": .identity]
    let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(configuration))
    let keys = try #require(object as? [String: Any])
    func nested(_ key: String) throws -> [String: Any] { try #require(keys[key] as? [String: Any]) }
    #expect(
        Set(keys.keys) == [
            "observations", "action", "horizon", "conditioning", "denoiser", "diffusion", "sampler", "normalization",
        ])
    #expect(keys["conditioning"] as? String == "global")
    #expect(try nested("action")["limits"] is NSNull)
    #expect(try nested("diffusion")["clip"] is NSNull)
    #expect(try nested("sampler")["steps"] is NSNull)
    #expect(try nested("normalization")["features"] as? [String: String] == ["goal": "identity"])
    #expect(
        Set(try nested("denoiser").keys) == [
            "name", "widths", "kernel_size", "groups", "step_embedding", "cond_predict_scale",
        ])
}

@Test func unknownNetworkIsRefused() {
    let text = Data(#"{"name": "perceptron"}"#.utf8)
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(DenoiserConfiguration.self, from: text) }
}

@Test func impossibleHorizonsSayWhichLengthsWork() throws {
    #expect(try message { $0.horizon.prediction = 7 }.contains("for example 6 or 8"))
    #expect(try message { $0.horizon.action = 4 }.contains("the action horizon may be 1...3"))
    #expect(try message { $0.horizon.prediction = 1 << 40 }.contains("horizon.prediction: expected 1...4096"))
    #expect(try message { $0.horizon.observation = Int.max }.contains("horizon.observation: expected 1...4096"))
    #expect(try message { $0.horizon.action = Int.max }.contains("horizon"))
}

@Test func impossibleSettingsAreNamedAsInRecipes() throws {
    #expect(try message { $0.denoiser = .unet(.init(widths: [12])) }.contains("denoiser.widths[0]"))
    #expect(try message { $0.denoiser = .unet(.init(widths: [])) }.contains("denoiser.widths"))
    #expect(try message { $0.denoiser = .unet(.init(widths: [1 << 40])) }.contains("denoiser.widths[0]"))
    #expect(try message { $0.denoiser = .unet(.init(kernelSize: 4)) }.contains("denoiser.kernel_size"))
    #expect(try message { $0.denoiser = .unet(.init(groups: 0)) }.contains("denoiser.groups"))
    #expect(try message { $0.sampler = .ddim(steps: 11) }.contains("sampler.steps: expected 1...10"))
    #expect(try message { $0.action.dimension = -1 }.contains("action.dimension"))
    #expect(try message { $0.action.limits = .init(lower: [0], upper: [1]) }.contains("action.limits.lower"))
    #expect(try message { $0.action.limits = .init(lower: [0, 2], upper: [1, 1]) }.contains("action.limits.upper"))
    #expect(try message { $0.action.limits = .init(lower: [0, .nan], upper: [1, 1]) }.contains("action.limits.lower"))
    #expect(try message { $0.normalization.features = ["gaol": .limits] }.contains("joints, goal"))
    #expect(try message { $0.normalization.action = .gaussian }.contains("diffusion.clip"))
    #expect(try message { $0.observations.features = [] }.contains("at least one feature"))
    #expect(try message { $0.observations.features[0].size = Int.max }.contains("joints"))
    #expect(try message { $0.observations.features[1].slice = 1..<Int.max }.contains("goal"))
    #expect(try message { $0.observations.features[1].slice = 1..<3 }.contains("goal"))
}

@Test func widthsMayBeUnknownUntilAModelIsBuilt() throws {
    #expect(try message { $0.observations.features[0].size = nil } == "valid")
    var configuration = try TinyPolicy().configuration
    configuration.observations = .pushTKeypoints
    try configuration.validate()
    #expect(throws: InputError.self) { try DiffusionModel(configuration) }
    configuration.observations = try ObservationSchema.pushTKeypoints.resolved(featureSizes: [
        "keypoint": 18, "state": 5,
    ])
    #expect(try DiffusionModel(configuration).observationDimension == 20)
}

@Test func paperNetworkHasThePublishedSize() throws {
    let model = try DiffusionModel(
        PolicyConfiguration(
            observations: ObservationSchema.pushTKeypoints.resolved(featureSizes: ["keypoint": 18, "state": 5]),
            action: ActionConfiguration(dimension: 2)))
    #expect(model.table.parameterCount == 5_412_162)
}

@Test func aModelNeedsTheDimensionOfActions() throws {
    var configuration = try TinyPolicy().configuration
    configuration.action.dimension = 0
    try configuration.validate()
    let error = #expect(throws: InputError.self) { try DiffusionModel(configuration) }
    #expect(error?.key == "action.dimension")
}
