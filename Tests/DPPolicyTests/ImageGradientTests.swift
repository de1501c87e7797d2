import DPBase
import DPGraph
import DPInterface
import DPNetworks
import TestSupport
import Testing

@testable import DPPolicy

@Suite("Gradients of image policies") struct ImageGradientTests {
    /// Spot check: one direction in each of a few parameters, from the first convolution to the U-Net.
    @Test("match finite differences", arguments: [false, true])
    func finiteDifferences(shared: Bool) throws {
        let size = ImageSize(height: 33, width: 34)
        let model = try DiffusionModel(
            PolicyConfiguration(
                observations: ObservationSchema(
                    [FeatureSelection("joints", size: 2)],
                    images: [ImageSelection("wrist", size: size), ImageSelection("scene", size: size)]),
                action: ActionConfiguration(dimension: 2), horizon: Horizon(observation: 1, prediction: 2, action: 1),
                denoiser: .unet(.init(widths: [8, 16], kernelSize: 3, groups: 4, stepEmbedding: 8)),
                diffusion: DiffusionConfiguration(steps: 10),
                imageEncoder: ImageEncoderConfiguration(keypoints: 4, isShared: shared)))
        let machine = TestedBackend.cpu.makeBackend()
        let parameters = try machine.makeBuffer(count: model.table.count)
        let gradients = try machine.makeBuffer(count: model.table.count)
        var weights = model.table.initialValues(key: RandomKey(seed: 3))
        // Initially the keypoint maps are nearly uniform and barely affect the loss, too little for single
        // precision to resolve.
        for range in model.table.ranges where range.name.hasSuffix("pool.nets.weight") {
            for index in range.elements { weights[index] *= 10 }
        }
        parameters.write(weights)
        let training = try machine.compile(
            model.trainingGraph(batch: 2), parameters: parameters, gradients: gradients)
        let forward = try machine.compile(model.lossGraph(batch: 2), parameters: parameters, gradients: nil)
        for executable in [training, forward] {
            executable.write("observation", fill("observation", count: 4))
            executable.write("image.wrist", fill("wrist", count: 2 * size.count))
            executable.write("image.scene", fill("scene", count: 2 * size.count))
            executable.write("action", fill("action", count: 8))
            executable.write("noise", fill("noise", count: 8))
            executable.write("steps", [2, 7])
        }
        training.write("loss_scale", [1])
        try training.run(.iteration)
        let found = gradients.values()

        let encoder = shared ? "rgb_encoder" : "rgb_encoder.scene"
        for name in ["\(encoder).out.weight", "\(encoder).backbone.4.0.bn1.weight", "final_conv.1.weight"] {
            let range = model.table.ranges[try #require(model.table.index(of: name))]
            let gradient = Array(found[range.elements])
            let length = gradient.reduce(0) { $0 + Double($1 * $1) }.squareRoot()
            #expect(length > 1e-6, "\(name)")
            // A distance along the gradient that changes the loss by 2e-4: above rounding errors, below the effect
            // of curvature.
            let step = Float(1e-4 / (length * length))
            func loss(_ factor: Float) throws -> Double {
                parameters.write(
                    zip(weights[range.elements], gradient).map { $0 + factor * step * $1 }, offset: range.offset)
                defer { parameters.write(Array(weights[range.elements]), offset: range.offset) }
                try forward.run(.iteration)
                return Double(forward.read("loss", count: 1)[0])
            }
            let slope = try (loss(1) - loss(-1)) / (2 * Double(step))
            #expect(abs(slope - length * length) <= 0.05 * length * length, "\(name): \(slope), \(length * length)")
        }
    }
}
