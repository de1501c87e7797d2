import DPBase
import DPGraph
import DPInterface
import DPNetworks
import Foundation
import TestSupport
import Testing

@testable import DPPolicy

/// A policy with a vector and two cameras with small images.
private struct TwoCameras {
    var configuration: PolicyConfiguration
    let normalizer = Normalizer(
        observation: ElementwiseAffine(scale: [0.5, 2], offset: [0, -1]),
        action: ElementwiseAffine(scale: [0.01, 0.02], offset: [-1, -0.5]))

    init(
        shared: Bool = false, conditioning: Conditioning = .global, denoiser: DenoiserConfiguration = TinyPolicy.unet
    ) {
        configuration = PolicyConfiguration(
            observations: ObservationSchema(
                [FeatureSelection("joints", size: 2)],
                images: [
                    ImageSelection(
                        "wrist", size: ImageSize(height: 40, width: 36), crop: ImageSize(height: 34, width: 33)),
                    ImageSelection(
                        "scene", size: ImageSize(height: 36, width: 36), resize: ImageSize(height: 33, width: 34)),
                ]),
            action: ActionConfiguration(dimension: 2), horizon: Horizon(observation: 2, prediction: 4, action: 2),
            conditioning: conditioning,
            denoiser: denoiser, diffusion: DiffusionConfiguration(steps: 10), sampler: .ddim(steps: 2),
            imageEncoder: ImageEncoderConfiguration(keypoints: 3, isShared: shared))
    }

    func policy() throws -> DiffusionPolicy {
        let model = try DiffusionModel(configuration)
        let machine = TestedBackend.cpu.makeBackend()
        let parameters = try machine.makeBuffer(count: model.table.count)
        var weights = model.table.initialValues(key: RandomKey(seed: 7))
        // A freshly initialized transformer hardly attends to anything.
        let attending = ["encoder.", "decoder.", "cond_obs_emb.", "head."]
        for range in model.table.ranges where attending.contains(where: range.name.hasPrefix) && range.shape.rank > 1 {
            for index in range.elements { weights[index] *= 10 }
        }
        parameters.write(weights)
        return try DiffusionPolicy(model, parameters: parameters, normalizer: normalizer, backend: machine)
    }

    func observation(_ name: String) -> RobotObservation {
        RobotObservation(
            vectors: ["joints": fill("\(name).joints", count: 2)],
            images: [
                "wrist": Self.image("\(name).wrist", width: 36, height: 40),
                "scene": Self.image("\(name).scene", width: 36, height: 36),
            ])
    }

    static func image(_ name: String, width: Int, height: Int) -> RGBImage {
        let pixels = fill(name, count: width * height * 3, base: 127.5, scale: 127).map { UInt8($0) }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    func request(_ observations: [RobotObservation]) -> ChunkRequest {
        ChunkRequest(observations: observations, key: RandomKey(seed: 1))
    }
}

@Suite("Image policies") struct ImagePolicyTests {
    @Test("encoders have their own names or share one")
    func names() throws {
        func names(_ policy: TwoCameras) throws -> Set<String> {
            let table = try DiffusionModel(policy.configuration).table
            return Set(table.ranges.map(\.name).filter { $0.hasSuffix("backbone.0.weight") })
        }
        #expect(
            try names(TwoCameras()) == ["rgb_encoder.wrist.backbone.0.weight", "rgb_encoder.scene.backbone.0.weight"])
        #expect(try names(TwoCameras(shared: true)) == ["rgb_encoder.backbone.0.weight"])
    }

    @Test("features follow the vector, image by image, in each time step", arguments: [false, true])
    func order(shared: Bool) throws {
        let model = try DiffusionModel(TwoCameras(shared: shared).configuration)
        let graph = model.lossGraph(batch: 3)
        let inputs = graph.nodes.compactMap { node -> String? in
            guard case .input(let name, let shape, _) = node.operation else { return nil }
            return "\(name) \(shape)"
        }
        #expect(inputs.contains("image.wrist [3, 2, 34, 33, 3]") && inputs.contains("image.scene [3, 2, 33, 34, 3]"))
        #expect(
            graph.nodes.contains { $0.results[0].shape == [3, 2, 2 + 6 + 6] && $0.operation == .concatenate(axis: 2) })
        #expect(graph.nodes.contains { $0.results[0].shape == [3, 28] })
    }

    @Test("images are encoded once per chunk")
    func rates() throws {
        let graph = try DiffusionModel(TwoCameras().configuration).stepGraph(batch: 1, sampler: .ddim(steps: 2))
        let seeing = graph.nodes.filter { node in
            switch node.operation {
            case .convolution2D, .spatialSoftmax: true
            default: false
            }
        }
        // Two cameras, each with 20 convolutions, the projection to keypoints, and their softmax.
        #expect(seeing.count == 2 * 22)
        #expect(seeing.allSatisfy { $0.rate == .conditioning })
    }

    @Test(
        "predictions depend on the center crop of the images", arguments: [TinyPolicy.unet, TinyPolicy.transformer])
    func acting(denoiser: DenoiserConfiguration) throws {
        let cameras = TwoCameras(denoiser: denoiser)
        let policy = try cameras.policy()
        let (first, second) = (cameras.observation("a"), cameras.observation("b"))
        let answer = try policy.predictActionChunks(for: [cameras.request([first, second])])[0]
        #expect(answer.prediction.joined().allSatisfy { $0.isFinite })

        var same = second
        same.images["wrist"]?.pixels[0] = 255 - (second.images["wrist"]?.pixels[0] ?? 0)
        same.images["rear"] = cameras.observation("c").images["scene"]
        #expect(try policy.predictActionChunks(for: [cameras.request([first, same])])[0] == answer)
        for camera in ["wrist", "scene"] {
            var other = second
            other.images[camera] = cameras.observation("c").images[camera]
            #expect(try policy.predictActionChunks(for: [cameras.request([first, other])])[0] != answer)
        }
        let both = try policy.predictActionChunks(for: [
            cameras.request([second, first]), cameras.request([first, second]),
        ])
        #expect(isClose(Array(both[1].prediction.joined()), Array(answer.prediction.joined())))
    }

    @Test("errors name images that are missing, unknown, of the wrong size, too few, or too many")
    func badImages() throws {
        let cameras = TwoCameras()
        let policy = try cameras.policy()
        func failure(_ change: (inout RobotObservation) -> Void) -> String {
            var observation = cameras.observation("a")
            change(&observation)
            return message { _ = try policy.predictActionChunks(for: [cameras.request([observation, observation])]) }
        }
        #expect(failure { $0.images["scene"] = nil }.contains(#"expected an image "scene", found wrist"#))
        #expect(
            failure { $0.images["scene"] = TwoCameras.image("x", width: 36, height: 35) }
                == #"observation image "scene": expected 36×36 pixels, found 35×36"#)
        let images = cameras.observation("a").images.mapValues { [$0, $0] }
        func expectPrediction(_ expected: String, _ change: (inout [String: [RGBImage]]) -> Void) {
            var images = images
            change(&images)
            let failure = message {
                _ = try policy.predict(observations: [0, 0, 0, 0], images: images, keys: [RandomKey(seed: 0)])
            }
            #expect(failure == expected)
        }
        expectPrediction("") { _ in }
        expectPrediction(
            #"observation image "rear": expected only wrist, scene, found an image that the policy does not use"#
        ) { $0["rear"] = [] }
        expectPrediction(#"image "wrist": expected 2 images, one per observation, found 1"#) {
            $0["wrist"]?.removeLast()
        }
        expectPrediction(#"observation: expected an image "wrist", found scene"#) { $0["wrist"] = nil }
    }

    @Test("incompatible settings are rejected")
    func settings() throws {
        func expectFailure(_ expected: String, _ change: (inout PolicyConfiguration) -> Void) {
            var configuration = TwoCameras().configuration
            change(&configuration)
            let failure = message { _ = try DiffusionModel(configuration) }
            #expect(expected.isEmpty ? failure.isEmpty : failure.contains(expected), "\(failure)")
        }
        expectFailure("conditioning: expected global or local") { $0.conditioning = .inpainting }
        expectFailure("image wrist, crop: expected at most 40×36") { $0.observations.images[0].crop?.height = 41 }
        expectFailure("found wrist twice") { $0.observations.images[1].name = "wrist" }
        expectFailure("image_encoder.keypoints: expected 1 to 4096") { $0.imageEncoder?.keypoints = 0 }
        expectFailure("image wrist, size") {
            $0.observations.images[0].size = nil
            $0.observations.images[0].crop = nil
        }
        expectFailure("image_encoder: expected null") { $0.observations.images = [] }
        expectFailure("at least 33×33 pixels") { $0.observations.images[0].crop?.width = 32 }
        expectFailure("") { $0.observations.features = [] }
        let configuration = TwoCameras().configuration
        #expect(
            message { _ = try DiffusionModel(configuration, learningRateMultipliers: ["rgb_encoder.rear": 0]) }
                .contains("rgb_encoder"))
        #expect(
            message { _ = try DiffusionModel(configuration, learningRateMultipliers: ["rgb_encoder": -1]) }
                .contains("0 (frozen) or a number above"))
    }

    @Test("parts of the network have their own learning rates")
    func factors() throws {
        let table = try DiffusionModel(
            TwoCameras().configuration, learningRateMultipliers: ["rgb_encoder": 0.1, "rgb_encoder.scene": 0]
        ).table
        for range in table.ranges {
            let isScene = range.name.hasPrefix("rgb_encoder.scene.")
            #expect(range.isTrainable == !isScene)
            #expect(range.rateMultiplier == (isScene ? 0 : range.name.hasPrefix("rgb_encoder.") ? 0.1 : 1))
        }
    }

    @Test("a saved policy acts as before, also with grids of other programs in its file")
    func saving() throws {
        let folder = try TemporaryFolder()
        let cameras = TwoCameras(shared: true)
        let model = try DiffusionModel(cameras.configuration)
        let weights = model.table.initialValues(key: RandomKey(seed: 7))
        let directory = PolicyDirectory(folder("policy"))
        let stored = StoredPolicy(
            configuration: cameras.configuration, normalizer: cameras.normalizer, weights: weights)
        try directory.write(stored)
        #expect(try directory.read() == stored)
        #expect(try directory.document().shapes.images == ["wrist": [2, 40, 36, 3], "scene": [2, 36, 36, 3]])
        #expect("\(PolicyDescription(of: try directory.document()))".contains("wrist 40×36, center-cropped to 34×33"))

        let observations = [cameras.observation("a"), cameras.observation("b")]
        let loaded = try DiffusionPolicy(contentsOf: folder("policy"), backend: TestedBackend.cpu.makeBackend())
        let expected = try cameras.policy().predictActionChunks(for: [cameras.request(observations)])
        #expect(try loaded.predictActionChunks(for: [cameras.request(observations)]) == expected)

        let file = folder("policy").appendingPathComponent("model.safetensors")
        let metadata = try SafetensorsFile(contentsOf: file).metadata
        var tensors = model.table.ranges.map {
            SafetensorsTensor($0.name, shape: $0.shape.dimensions, .float32(Array(weights[$0.elements])))
        }
        tensors.append(SafetensorsTensor("rgb_encoder.pool.pos_grid", shape: [1, 2], .float32([-1, -1])))
        try SafetensorsWriter.write(tensors, metadata: metadata, to: file)
        #expect(try directory.read() == stored)
        tensors.append(SafetensorsTensor("rgb_encoder.pool.temperature", shape: [1], .float32([1])))
        try SafetensorsWriter.write(tensors, metadata: metadata, to: file)
        #expect(message { _ = try directory.read() }.contains("pool.temperature"))
    }

    @Test("a batch from a file gives the same predictions as requests")
    func files() throws {
        let folder = try TemporaryFolder()
        let cameras = TwoCameras()
        let policy = try cameras.policy()
        let observations = [cameras.observation("a"), cameras.observation("b")]
        func bytes(_ camera: String) -> [UInt8] { observations.flatMap { $0.images[camera]?.pixels ?? [] } }
        func write(_ wrist: [Int], scale: Float = 1) throws {
            try SafetensorsWriter.write(
                [
                    SafetensorsTensor(
                        "observation.joints", shape: [1, 2, 2],
                        .float32(observations.flatMap { $0.vectors["joints"] ?? [] })),
                    SafetensorsTensor(
                        "image.wrist", shape: wrist, .float32(bytes("wrist").map { scale * Float($0) })),
                    SafetensorsTensor("image.scene", shape: [1, 2, 36, 36, 3], .uint8(bytes("scene"))),
                ], to: folder("in"))
        }
        try write([1, 2, 40, 36, 3])
        let input = try PredictionInput(contentsOf: folder("in"), for: policy.model)
        let actions = try policy.predict(
            observations: input.observations, images: input.images, keys: [RandomKey(seed: 1)])
        let expected = try policy.predictActionChunks(for: [cameras.request(observations)])[0].prediction.joined()
        #expect(actions == Array(expected))
        try write([1, 2, 36, 40, 3])
        #expect(
            message { _ = try PredictionInput(contentsOf: folder("in"), for: policy.model) }
                .contains("image.wrist: expected shape [B, 2, 40, 36, 3]"))
        func expectFailure(_ expected: String, scale: Float) throws {
            try write([1, 2, 40, 36, 3], scale: scale)
            let failure = message { _ = try PredictionInput(contentsOf: folder("in"), for: policy.model) }
            #expect(failure.contains("image.wrist: expected \(expected)"))
        }
        try expectFailure("numbers in 0 … 255, found none above 1; multiply numbers in 0 … 1 by 255", scale: 1 / 255)
        try expectFailure("numbers in 0 … 255, found", scale: 2)
        try expectFailure("finite numbers, found nan at index 0", scale: .nan)
    }

    @Test("features are ordered by time step, then by camera")
    func features() throws {
        let cameras = TwoCameras()
        let policy = try cameras.policy()
        let observations = [cameras.observation("a"), cameras.observation("b")]
        func images(_ name: String) -> [RGBImage] { observations.compactMap { $0.images[name] } }
        let seen = ["wrist": images("wrist"), "scene": images("scene")]
        let features = try policy.features(of: seen)
        #expect(features.count == 2 * 12)
        let reversed = try policy.features(of: seen.mapValues { $0.reversed() })
        #expect(isClose(reversed, Array(features[12...] + features[..<12])) && !isClose(reversed, features))
        var other = seen
        other["scene"]?[0] = images("scene")[1]
        let expected = Array(features[..<6] + features[18...] + features[12...])
        #expect(isClose(try policy.features(of: other), expected))
        for camera in ["wrist", "scene"] {
            var fewer = seen
            fewer[camera]?.removeLast()
            let error = PolicyError.wrongImageCount(camera: camera, expected: 2, found: 1)
            #expect(throws: error) { try policy.features(of: fewer) }
        }
        #expect(throws: InputError.self) { try policy.features(of: [:]) }
    }

    @Test("keypoints lie in the image")
    func keypoints() throws {
        let cameras = TwoCameras()
        let policy = try cameras.policy()
        let images = ["a", "b"].compactMap { cameras.observation($0).images["wrist"] }
        let places = try policy.keypoints(ofCamera: "wrist", in: images)
        #expect(places.map(\.count) == [3, 3])
        // Two cells in either direction, around pixels 0 and 32 of the crop, which begins at (2, 3).
        #expect(places.joined().allSatisfy { (2.5...34.5).contains($0.x) && (3.5...35.5).contains($0.y) })
        #expect(places[0] != places[1])
        #expect(throws: InputError.self) { try policy.keypoints(ofCamera: "rear", in: images) }
    }
}
