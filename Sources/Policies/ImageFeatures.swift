public import PolicyInterface
public import TensorGraph

/// The image encoders of a policy and nothing else, compiled for a number of items: from camera images to the features that the denoiser is told.
public struct ImageFeatures {
    private let model: DiffusionModel
    private let executable: any Executable
    private let backend: any Backend
    private let count: Int
    private var inputs: [(name: String, values: [Float])]

    /// Compiles the encoders for `count` items.
    /// - Parameter parameters: the flat vector that `model.table` describes; later changes are seen.
    /// - Precondition: the policy sees images.
    /// - Throws: when a plan cannot be made.
    public init(of model: DiffusionModel, parameters: any DeviceBuffer, count: Int, on backend: any Backend) throws {
        self.model = model
        self.backend = backend
        self.count = count
        executable = try backend.compile(model.featureGraph(batch: count), parameters: parameters, gradients: nil)
        inputs = model.imageInputs(batch: count).map { ($0.name, [Float](repeating: 0, count: $0.shape.count)) }
    }

    /// The features `[count, To, F]` of images.
    /// - Parameter images: of each camera by its name, `[count, To]` images in the camera's own size.
    /// - Throws: `ObservationError` when a camera's images are missing, unknown or of another size, `PolicyError` when they are too few or too many.
    public mutating func callAsFunction(_ images: [String: [RGBImage]]) throws -> [Float] {
        try model.configuration.check(images, count: count)
        return try features(of: images)
    }

    /// The features of images that were checked.
    mutating func features(of images: [String: [RGBImage]]) throws -> [Float] {
        let configuration = model.configuration
        for (index, selection) in configuration.observations.images.enumerated() {
            ImageCrop(selection).writeMiddles(
                of: images[selection.name, default: []], selection, to: &inputs[index].values)
        }
        return try backend.perform {
            for input in inputs { executable.write(input.name, input.values) }
            try executable.run(.step)
            return executable.read(
                "features", count: count * configuration.horizon.observation * model.featureDimension)
        }
    }
}

extension DiffusionPolicy {
    /// The features `[B, To, F]` of images, `[B, To]` of each camera by its name; none for a policy that sees no images.
    /// - Throws: `ObservationError` or `PolicyError`, as `predict`.
    public func features(of images: [String: [RGBImage]]) throws -> [Float] {
        let most = images.values.map(\.count).max() ?? 0
        let count = (most + horizon.observation - 1) / horizon.observation
        try configuration.check(images, count: count)
        guard count > 0 else { return [] }
        var encoders = try ImageFeatures(of: model, parameters: parameters, count: count, on: backend)
        return try encoders.features(of: images)
    }
}
