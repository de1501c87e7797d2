import Demonstrations
import Foundation
import NoiseSchedules
import Policies
import PolicyInterface
import TensorGraph
import TestSupport
import Testing

@testable import Training

/// A made-up robot with seven joints and two cameras: what the cameras see follows from the joints.
private enum SeeingRobot {
    static let wristSize = ImageSize(height: 36, width: 35)
    static let sceneSize = ImageSize(height: 34, width: 34)
    static let seenSize = ImageSize(height: 33, width: 33)

    static func demonstrations() throws -> ReplayBuffer {
        let vectors = try ToyRobot.demonstrations(episodes: 3, frames: 8)
        let joints = try vectors.field("joints").values
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
        return try ReplayBuffer(
            fields: Array(vectors.fields.values), images: [images("wrist", wristSize), images("scene", sceneSize)],
            episodeEnds: vectors.episodeEnds)
    }

    static func recipe(shared: Bool = false, factors: [String: Double] = [:], jitter: ColorJitter? = nil) -> Recipe {
        var recipe = ToyRobot.recipe {
            $0.steps = 3
            $0.batchSize = 2
            $0.learningRateSchedule = .constant
            $0.learningRateFactors = factors
            $0.colorJitter = jitter
        }
        recipe.policy.observations = ObservationSchema(
            [FieldSelection("joints")],
            images: [
                ImageSelection("wrist", crop: seenSize),
                ImageSelection("scene", resize: ImageSize(height: 35, width: 35), crop: seenSize),
            ])
        recipe.policy.imageEncoder = ImageEncoderConfiguration(keypoints: 4, isShared: shared)
        recipe.policy.horizon = Horizon(observation: 1, prediction: 4, action: 2)
        recipe.policy.sampler = .ddim(steps: 2)
        return recipe
    }

    /// What fills batches, without the memory of a training.
    static func assembler(_ demonstrations: ReplayBuffer) throws -> BatchAssembler {
        let recipe = try recipe().resolved(for: demonstrations)
        let model = try DiffusionModel(recipe.policy)
        let data = try TrainingData(demonstrations, model: model, training: recipe.training)
        return BatchAssembler(data: data, model: model, training: recipe.training)
    }

    static func trainer(_ recipe: Recipe = recipe()) throws -> Trainer {
        try Trainer(recipe: recipe, demonstrations: try demonstrations(), backend: ToyRobot.machine)
    }
}

@Suite("Training policies that see") struct ImageTrainingTests {
    @Test(
        "two cameras and a vector train, are saved, loaded and act",
        arguments: [
            (false, [:], ToyRobot.unet), (true, [:], ToyRobot.unet), (false, ["rgb_encoder.scene": 0], ToyRobot.unet),
            (false, [:], ToyRobot.transformer),
        ] as [(Bool, [String: Double], DenoiserConfiguration)])
    func wholeWay(shared: Bool, factors: [String: Double], denoiser: DenoiserConfiguration) throws {
        let folder = try TemporaryFolder()
        var recipe = SeeingRobot.recipe(shared: shared, factors: factors)
        recipe.policy.denoiser = denoiser
        let trainer = try SeeingRobot.trainer(recipe)
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

        let demonstrations = try SeeingRobot.demonstrations()
        let observation = Observation(
            vectors: ["joints": Array(try demonstrations.field("joints").values[..<7])],
            images: ["wrist": try demonstrations.images("wrist")[0], "scene": try demonstrations.images("scene")[0]])
        let request = ChunkRequest(observations: [observation], key: RandomKey(seed: 5))
        let loaded = try DiffusionPolicy(contentsOf: folder("policy"), backend: ToyRobot.machine)
        let answer = try loaded.chunks(for: [request])
        #expect(try trainer.policy().chunks(for: [request]) == answer)
        #expect(answer[0].actions.joined().allSatisfy { $0.isFinite })
    }

    @Test("crops follow from seed and sample, each image its own; validation sees the middle")
    func crops() throws {
        let demonstrations = try SeeingRobot.demonstrations()
        let assembler = try SeeingRobot.assembler(demonstrations)
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

        // Each image is some part of the recorded one, and over many samples every part comes.
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

    /// Where a part lies in an image.
    private static func corners(of seen: [Float], in image: RGBImage) -> [[Int]] {
        (0...3).flatMap { top in (0...2).map { [top, $0] } }.filter { corner in
            (0..<33 * 99).allSatisfy { index in
                let (row, rest) = (index / 99, index % 99)
                let pixel = image.pixels[((corner[0] + row) * image.width + corner[1]) * 3 + rest]
                return abs(seen[index] - (Float(pixel) / 127.5 - 1)) < 1e-6
            }
        }
    }

    @Test("colours change by the ranges, and not without them")
    func jitter() throws {
        func changed(_ jitter: ColorJitter, _ pixels: [Float], seed: UInt64 = 1) -> [Float] {
            var pixels = pixels
            pixels.withUnsafeMutableBufferPointer { jitter.apply(to: $0, key: RandomKey(seed: seed)) }
            return pixels
        }
        let pixels = fill("pixels", count: 48, scale: 0.9)
        let unchanged = changed(ColorJitter(), pixels)
        #expect(zip(unchanged, pixels).allSatisfy { abs($0 - $1) < 1e-6 })
        let bright = changed(ColorJitter(brightness: 0.5), pixels)
        let factor = (bright[0] + 1) / (pixels[0] + 1)
        #expect(factor >= 0.5 && factor <= 1.5 && factor != 1)
        let grey = changed(ColorJitter(saturation: 1), pixels, seed: 3)
        #expect(grey != pixels && grey.allSatisfy { (-1...1).contains($0) })
        #expect(changed(ColorJitter(brightness: 1, contrast: 1, saturation: 1), pixels) != bright)
        #expect(throws: InvalidSetting.self) { try ColorJitter(contrast: 1.5).validate() }
    }

    @Test("demonstrations that do not fit are refused with names")
    func refusals() throws {
        func expectFailure(_ expected: String, _ change: (inout Recipe) -> Void) {
            var recipe = SeeingRobot.recipe()
            change(&recipe)
            let failure = message { _ = try SeeingRobot.trainer(recipe) }
            #expect(failure.contains(expected), "\(failure)")
        }
        expectFailure(#"image "rear", found scene, wrist"#) { $0.policy.observations.images[0].name = "rear" }
        expectFailure("crop: expected at most 36×35") { $0.policy.observations.images[0].crop?.height = 37 }
        expectFailure("expected 34×34 pixels, found 36×35") {
            $0.policy.observations.images[0].size = SeeingRobot.sceneSize
        }
        expectFailure("rgb_encoder") { $0.training.learningRateFactors = ["encoder": 0] }
    }

    @Test("a training goes on from a checkpoint bit for bit, crops and colours included")
    func resuming() throws {
        let folder = try TemporaryFolder()
        var recipe = SeeingRobot.recipe(shared: true, jitter: ColorJitter(brightness: 0.2))
        recipe.training.steps = 2
        recipe.training.noiseSamples = 2
        let whole = try SeeingRobot.trainer(recipe)
        let expected = try whole.batches().map { try whole.step($0) }

        let first = try SeeingRobot.trainer(recipe)
        #expect(try first.batches(count: 1).map { try first.step($0) } == [expected[0]])
        try first.saveCheckpoint(to: folder("checkpoint"))
        let second = try Trainer(
            resuming: folder("checkpoint"), recipe: recipe, demonstrations: try SeeingRobot.demonstrations(),
            backend: ToyRobot.machine)
        #expect(try second.batches().map { try second.step($0) } == [expected[1]])
        #expect(second.weights == whole.weights && second.averageWeights == whole.averageWeights)
    }

    @Test("other pixels are other demonstrations")
    func fingerprint() throws {
        let demonstrations = try SeeingRobot.demonstrations()
        var wrist = try demonstrations.images("wrist")
        wrist.pixels[wrist.pixels.count - 1] ^= 1
        let others = try ReplayBuffer(
            fields: Array(demonstrations.fields.values), images: [wrist, try demonstrations.images("scene")],
            episodeEnds: demonstrations.episodeEnds)
        #expect(
            try SeeingRobot.assembler(others).data.fingerprint
                != SeeingRobot.assembler(demonstrations).data.fingerprint)
    }

    @Test("the example of a robot with two cameras trains on demonstrations of that form")
    func example() throws {
        var recipe = try RecipeFile.read("another-robot-cameras")
        #expect(recipe.policy.observations.images.map(\.name) == ["wrist", "scene"])
        recipe.policy.observations.fields = [FieldSelection("joints")]
        for index in 0..<2 {
            recipe.policy.observations.images[index].resize = ImageSize(height: 36, width: 38)
            recipe.policy.observations.images[index].crop = ImageSize(height: 33, width: 34)
        }
        recipe.policy.horizon = Horizon(observation: 1, prediction: 4, action: 2)
        recipe.policy.denoiser = .unet(.init(widths: [8, 16], kernelSize: 3, groups: 4, stepEmbedding: 8))
        recipe.training.batchSize = 1
        let trainer = try SeeingRobot.trainer(recipe)
        for batch in trainer.batches(count: 1) { #expect(try trainer.step(batch).gradientNorm > 0) }
    }

    @Test(
        "the shipped recipes look at the camera",
        arguments: ["pusht-image-cnn", "pusht-image-cnn-paper", "pusht-image-transformer"])
    func recipes(name: String) throws {
        let recipe = try RecipeFile.read(name)
        #expect(recipe.name == name)
        #expect(recipe.policy.observations.images.map(\.name) == ["img"])
        #expect(recipe.policy.observations.images[0].crop == ImageSize(height: 84, width: 84))
        #expect(try RecipeFile.read(RecipeFile.text(of: recipe), place: name) == recipe)
        let other = try RecipeFile.read(
            name, overrides: ["training.learning_rate_factors={rgb_encoder: 0.1}", "policy.image_encoder.shared=true"])
        #expect(other.training.learningRateFactors == ["rgb_encoder": 0.1])
        #expect(other.policy.imageEncoder?.isShared == true)
        #expect(
            message { _ = try RecipeFile.read(name, overrides: ["policy.image_encoder.keypoint=3"]) }.contains(
                "keypoints"))
    }
}
