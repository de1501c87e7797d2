package import DPGraph
package import DPInterface

/// The image encoders of a policy alone, compiled for a number of items: from camera images to the features that
/// the denoiser receives.
package struct ImageFeatures {
    private let model: DiffusionModel
    private let executable: any Executable
    private let backend: any Backend
    private let count: Int
    private var inputs: [(name: String, values: [Float])]

    /// Compiles the encoders for `count` items.
    /// - Parameter parameters: the flat vector that `model.table` describes; later changes take effect.
    /// - Precondition: the policy uses images.
    /// - Throws: when a plan cannot be compiled.
    package init(of model: DiffusionModel, parameters: any DeviceBuffer, count: Int, on backend: any Backend) throws {
        self.model = model
        self.backend = backend
        self.count = count
        executable = try backend.compile(model.featureGraph(batch: count), parameters: parameters, gradients: nil)
        inputs = model.imageInputs(batch: count).map { ($0.name, [Float](repeating: 0, count: $0.shape.count)) }
    }

    /// Returns the features `[count, To, F]` of images.
    /// - Parameter images: the images of each camera by name, `[count, To]`, in the camera's own size.
    /// - Throws: `InputError` when a camera's images are missing, unknown, or of another size; `PolicyError`
    ///   when they are too few or too many.
    package mutating func callAsFunction(_ images: [String: [RGBImage]]) throws -> [Float] {
        try model.configuration.check(images, count: count)
        return try features(of: images)
    }

    /// Returns the features of images that have been checked.
    mutating func features(of images: [String: [RGBImage]]) throws -> [Float] {
        let configuration = model.configuration
        for (index, selection) in configuration.observations.images.enumerated() {
            ImageCrop(selection).writeCenterCrops(
                of: images[selection.name, default: []], selection, to: &inputs[index].values)
        }
        return try backend.perform {
            for input in inputs { executable.write(input.name, input.values) }
            try executable.run(.iteration)
            return executable.read(
                "features", count: count * configuration.horizon.observation * model.featureDimension)
        }
    }
}

extension DiffusionPolicy {
    /// Returns the features `[B, To, F]` of images, `[B, To]` of each camera by name; empty for a policy without
    /// images.
    /// - Throws: `InputError` or `PolicyError`, like `predict`.
    package func features(of images: [String: [RGBImage]]) throws -> [Float] {
        let most = images.values.map(\.count).max() ?? 0
        let count = (most + horizon.observation - 1) / horizon.observation
        try configuration.check(images, count: count)
        guard count > 0 else { return [] }
        var encoders = try ImageFeatures(of: model, parameters: parameters, count: count, on: backend)
        return try encoders.features(of: images)
    }
}
