import DPBase
import DPDatasets
import DPGraph
import DPInterface
import DPPolicy
import Foundation
import TestSupport
import Testing

@testable import DPTraining

/// A made-up robot with seven joints and two cameras, whose images are functions of the joints.
private enum CameraRobot {
    static let wristSize = ImageSize(height: 36, width: 35)
    static let sceneSize = ImageSize(height: 34, width: 34)
    static let inputSize = ImageSize(height: 33, width: 33)

    static func demonstrations() throws -> InMemoryDataset {
        let vectors = try ToyRobot.demonstrations(episodes: 3, frames: 8)
        let joints = try vectors.feature("joints").values
        func images(_ name: String, _ size: ImageSize) -> RecordedImages {
            var pixels: [UInt8] = []
            for frame in 0..<vectors.frameCount {
                let shades = joints[frame * 7..<frame * 7 + 7].map { UInt8(127 + 100 * $0) }
                for index in 0..<size.count {
                    pixels.append(shades[index / 3 % 7] &+ UInt8(truncatingIfNeeded: index * index / 7))
                }
            }
            return RecordedImages(name, size: size, pixels: pixels)
        }
        return try InMemoryDataset(
            features: Array(vectors.features.values), images: [images("wrist", wristSize), images("scene", sceneSize)],
            episodeEnds: vectors.episodeEnds)
    }

    static func recipe(shared: Bool = false, factors: [String: Double] = [:], jitter: ColorJitter? = nil) -> Recipe {
        var recipe = ToyRobot.recipe {
            $0.steps = 3
            $0.batchSize = 2
            $0.learningRateSchedule = .constant
            $0.learningRateMultipliers = factors
            $0.colorJitter = jitter
        }
        recipe.policy.observations = ObservationSchema(
            [FeatureSelection("joints")],
            images: [
                ImageSelection("wrist", crop: inputSize),
                ImageSelection("scene", resize: ImageSize(height: 35, width: 35), crop: inputSize),
            ])
        recipe.policy.imageEncoder = ImageEncoderConfiguration(keypoints: 4, isShared: shared)
        recipe.policy.horizon = Horizon(observation: 1, prediction: 4, action: 2)
        recipe.policy.sampler = .ddim(steps: 2)
        return recipe
    }

    /// Returns a batch assembler without the memory of a trainer.
    static func assembler(_ demonstrations: InMemoryDataset) throws -> BatchAssembler {
        let recipe = try recipe().resolved(for: demonstrations)
        let model = try DiffusionModel(recipe.policy)
        let data = try TrainingData(demonstrations, model: model, training: recipe.training)
        return BatchAssembler(data: data, model: model, training: recipe.training)
    }

    static func trainer(_ recipe: Recipe = recipe()) throws -> Trainer {
        try Trainer(recipe: recipe, demonstrations: try demonstrations(), backend: ToyRobot.machine)
    }
}

@Suite("Image policy training") struct ImageTrainingTests {
    @Test(
        "policies with two cameras and a vector can be trained, saved, loaded and run",
        arguments: [
            (false, [:], ToyRobot.unet), (true, [:], ToyRobot.unet), (false, ["rgb_encoder.scene": 0], ToyRobot.unet),
            (false, [:], ToyRobot.transformer),
        ] as [(Bool, [String: Double], DenoiserConfiguration)])
    func wholeWay(shared: Bool, factors: [String: Double], denoiser: DenoiserConfiguration) throws {
        let folder = try TemporaryFolder()
        var recipe = CameraRobot.recipe(shared: shared, factors: factors)
        recipe.policy.denoiser = denoiser
        let trainer = try CameraRobot.trainer(recipe)
        try trainer.exportPolicy(to: folder("before"))
        for batch in trainer.batches() {
            let report = try trainer.step(batch)
            #expect(report.loss.isFinite && report.gradientNorm > 0)
        }
        #expect(try trainer.actionError().isFinite)
        #expect(try trainer.validationLoss()?.isFinite == true)
        try trainer.exportPolicy(to: folder("policy"))

        let before = try PolicyDirectory(folder("before")).read().weights
        let after = try PolicyDirectory(folder("policy")).read().weights
        for range in trainer.model.table.ranges where range.shape.rank == 4 {
            let isFrozen = range.name.hasPrefix("rgb_encoder.scene.") && !factors.isEmpty
            #expect((before[range.elements] == after[range.elements]) == isFrozen, "\(range.name)")
        }

        let demonstrations = try CameraRobot.demonstrations()
        let observation = RobotObservation(
            vectors: ["joints": Array(try demonstrations.feature("joints").values[..<7])],
            images: ["wrist": try demonstrations.images("wrist")[0], "scene": try demonstrations.images("scene")[0]])
        let request = ChunkRequest(observations: [observation], key: RandomKey(seed: 5))
        let loaded = try DiffusionPolicy(contentsOf: folder("policy"), backend: ToyRobot.machine)
        let answer = try loaded.predictActionChunks(for: [request])
        #expect(try trainer.policy().predictActionChunks(for: [request]) == answer)
        #expect(answer[0].actions.joined().allSatisfy { $0.isFinite })
    }

    @Test("crops depend on seed and sample and differ per image; validation uses the center")
    func crops() throws {
        let demonstrations = try CameraRobot.demonstrations()
        let assembler = try CameraRobot.assembler(demonstrations)
        func batch(_ update: Int) -> Batch {
            let batch = assembler.makeBatch()
            var order = BatchAssembler.Order()
            assembler.fill(batch, update: update, order: &order)
            return batch
        }
        let (first, again, later) = (batch(3), batch(3), batch(4))
        #expect(first.images.map(\.input) == ["image.wrist", "image.scene"])
        #expect(first.images.map(\.values) == again.images.map(\.values))
        #expect(first.images.map(\.values) != later.images.map(\.values))
        #expect(first.images.allSatisfy { $0.values.count == 2 * 33 * 33 * 3 })
        #expect(first.images.allSatisfy { $0.values.allSatisfy { (-1...1).contains($0) } })

        // Each image is a crop of the recorded one, and many samples cover every crop.
        let recorded = try demonstrations.images("wrist")
        var corners: Set<[Int]> = []
        for sample in 0..<120 {
            let batch = Batch(count: 1, layout: assembler.layout)
            assembler.data.fill(
                batch, item: 0, from: assembler.data.training, window: 5,
                augmentation: TrainingData.Augmentation(key: RandomKey(seed: UInt64(sample)), jitter: nil))
            let image = recorded[assembler.data.training.frame(window: 5, step: 0)]
            let matching = Self.corners(of: batch.images[0].values, in: image)
            #expect(!matching.isEmpty)
            if matching.count == 1 { corners.formUnion(matching) }
        }
        #expect(corners.count == 12)

        let middle = Batch(count: 1, layout: assembler.layout)
        assembler.fillValidation(middle, from: assembler.data.training, first: 5)
        #expect(
            Self.corners(
                of: middle.images[0].values,
                in: recorded[assembler.data.training.frame(window: 5, step: 0)]
            ).contains([2, 1]))
    }

    /// Returns the positions of a crop in an image.
    private static func corners(of seen: [Float], in image: RGBImage) -> [[Int]] {
        (0...3).flatMap { top in (0...2).map { [top, $0] } }.filter { corner in
            (0..<33 * 99).allSatisfy { index in
                let (row, rest) = (index / 99, index % 99)
                let pixel = image.pixels[((corner[0] + row) * image.width + corner[1]) * 3 + rest]
                return abs(seen[index] - (Float(pixel) / 127.5 - 1)) < 1e-6
            }
        }
    }

    @Test("colors change within the configured ranges only")
    func jitter() throws {
        func jittered(_ jitter: ColorJitter, _ pixels: [Float], seed: UInt64 = 1) -> [Float] {
            var pixels = pixels
            pixels.withUnsafeMutableBufferPointer { jitter.apply(to: $0, key: RandomKey(seed: seed)) }
            return pixels
        }
        let pixels = fill("pixels", count: 48, scale: 0.9)
        let unchanged = jittered(ColorJitter(), pixels)
        #expect(zip(unchanged, pixels).allSatisfy { abs($0 - $1) < 1e-6 })
        let bright = jittered(changed(ColorJitter()) { $0.brightness = 0.5 }, pixels)
        let factor = (bright[0] + 1) / (pixels[0] + 1)
        #expect(factor >= 0.5 && factor <= 1.5 && factor != 1)
        let gray = jittered(changed(ColorJitter()) { $0.saturation = 1 }, pixels, seed: 3)
        #expect(gray != pixels && gray.allSatisfy { (-1...1).contains($0) })
        #expect(
            jittered(
                changed(ColorJitter()) {
                    $0.brightness = 1
                    $0.contrast = 1
                    $0.saturation = 1
                }, pixels) != bright)
        #expect(throws: InputError.self) { try changed(ColorJitter()) { $0.contrast = 1.5 }.validate() }
    }

    @Test("datasets that do not fit are rejected with names")
    func refusals() throws {
        func expectFailure(_ expected: String, _ change: (inout Recipe) -> Void) {
            var recipe = CameraRobot.recipe()
            change(&recipe)
            let failure = message { _ = try CameraRobot.trainer(recipe) }
            #expect(failure.contains(expected), "\(failure)")
        }
        expectFailure(#"image "rear", found scene, wrist"#) { $0.policy.observations.images[0].name = "rear" }
        expectFailure("crop: expected at most 36×35") { $0.policy.observations.images[0].crop?.height = 37 }
        expectFailure("expected 34×34 pixels, found 36×35") {
            $0.policy.observations.images[0].size = CameraRobot.sceneSize
        }
        expectFailure("rgb_encoder") { $0.training.learningRateMultipliers = ["encoder": 0] }
    }

    @Test("training resumes from a checkpoint bit for bit, including crops and colors")
    func resuming() throws {
        let folder = try TemporaryFolder()
        var recipe = CameraRobot.recipe(shared: true, jitter: changed(ColorJitter()) { $0.brightness = 0.2 })
        recipe.training.steps = 2
        recipe.training.noiseSamples = 2
        let whole = try CameraRobot.trainer(recipe)
        let expected = try whole.batches().map { try whole.step($0) }

        let first = try CameraRobot.trainer(recipe)
        #expect(try first.batches(count: 1).map { try first.step($0) } == [expected[0]])
        try first.saveCheckpoint(to: folder("checkpoint"))
        let second = try Trainer(
            resuming: folder("checkpoint"), recipe: recipe, demonstrations: try CameraRobot.demonstrations(),
            backend: ToyRobot.machine)
        #expect(try second.batches().map { try second.step($0) } == [expected[1]])
        #expect(second.weights == whole.weights && second.averageWeights == whole.averageWeights)
    }

    @Test("other pixels give another fingerprint")
    func fingerprint() throws {
        let demonstrations = try CameraRobot.demonstrations()
        var wrist = try demonstrations.images("wrist")
        wrist.pixels[wrist.pixels.count - 1] ^= 1
        let others = try InMemoryDataset(
            features: Array(demonstrations.features.values), images: [wrist, try demonstrations.images("scene")],
            episodeEnds: demonstrations.episodeEnds)
        #expect(
            try CameraRobot.assembler(others).data.fingerprint
                != CameraRobot.assembler(demonstrations).data.fingerprint)
    }

    @Test("the example of a robot with two cameras trains on a dataset of that form")
    func example() throws {
        var recipe = try RecipeFile.read("custom-robot-cameras")
        #expect(recipe.policy.observations.images.map(\.name) == ["wrist", "scene"])
        recipe.policy.observations.features = [FeatureSelection("joints")]
        for index in 0..<2 {
            recipe.policy.observations.images[index].resize = ImageSize(height: 36, width: 38)
            recipe.policy.observations.images[index].crop = ImageSize(height: 33, width: 34)
        }
        recipe.policy.horizon = Horizon(observation: 1, prediction: 4, action: 2)
        recipe.policy.denoiser = .unet(.init(widths: [8, 16], kernelSize: 3, groups: 4, stepEmbedding: 8))
        recipe.training.batchSize = 1
        let trainer = try CameraRobot.trainer(recipe)
        for batch in trainer.batches(count: 1) { #expect(try trainer.step(batch).gradientNorm > 0) }
    }

    @Test(
        "the shipped image recipes use the camera",
        arguments: ["pusht-image-cnn", "pusht-image-cnn-paper", "pusht-image-transformer"])
    func recipes(name: String) throws {
        let recipe = try RecipeFile.read(name)
        #expect(recipe.name == name)
        #expect(recipe.policy.observations.images.map(\.name) == ["img"])
        #expect(recipe.policy.observations.images[0].crop == ImageSize(height: 84, width: 84))
        #expect(try RecipeFile.read(RecipeFile.text(of: recipe), place: name) == recipe)
        let other = try RecipeFile.read(
            name,
            overrides: ["training.learning_rate_multipliers={rgb_encoder: 0.1}", "policy.image_encoder.shared=true"])
        #expect(other.training.learningRateMultipliers == ["rgb_encoder": 0.1])
        #expect(other.policy.imageEncoder?.isShared == true)
        #expect(
            message { _ = try RecipeFile.read(name, overrides: ["policy.image_encoder.keypoint=3"]) }.contains(
                "keypoints"))
    }
}
