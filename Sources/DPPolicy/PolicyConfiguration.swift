import DPBase
public import DPInterface
import DPNetworks

/// The complete configuration of a policy without its weights: observations, actions, horizon, network, and diffusion.
///
/// ```swift
/// let configuration = PolicyConfiguration(
///     observations: ObservationSchema([FeatureSelection("joint_positions")]),
///     action: ActionConfiguration(feature: "joint_commands"),
///     horizon: Horizon(observation: 2, prediction: 16, action: 8), sampler: .ddim(steps: 10))
/// let recipe = Recipe(name: "pick-cup", policy: configuration)
/// ```
public struct PolicyConfiguration: Codable, Sendable, Equatable {
    /// The observed features; together they are a vector of `D` components.
    public var observations: ObservationSchema
    /// The action: a vector of `A` components.
    public var action: ActionConfiguration
    /// The lengths `To`, `Tp`, and `Ta`; 2, 16, and 8 by default.
    public var horizon: Horizon
    /// How the network receives the observations; as one vector by default.
    public var conditioning: Conditioning
    /// The network; a small U-Net by default.
    public var denoiser: DenoiserConfiguration
    /// The diffusion that the network learns to reverse; 100 steps of squared cosine by default.
    public var diffusion: DiffusionConfiguration
    /// The default sampler of the actions; DDPM over all steps by default.
    public var sampler: Sampler
    /// The normalization of the features; by limits by default.
    public var normalization: Normalization
    /// The image encoder; if nil, the paper's encoder, or none for a policy without images.
    public var imageEncoder: ImageEncoderConfiguration?

    private enum CodingKeys: String, CodingKey {
        case observations
        case action
        case horizon
        case conditioning
        case denoiser
        case diffusion
        case sampler
        case normalization
        case imageEncoder = "image_encoder"
    }

    /// Creates a configuration; the defaults are the paper's values.
    public init(
        observations: ObservationSchema, action: ActionConfiguration, horizon: Horizon = Horizon(),
        conditioning: Conditioning = .global, denoiser: DenoiserConfiguration = .unet(),
        diffusion: DiffusionConfiguration = DiffusionConfiguration(), sampler: Sampler = .ddpm(),
        normalization: Normalization = Normalization(), imageEncoder: ImageEncoderConfiguration? = nil
    ) {
        self.observations = observations
        self.action = action
        self.horizon = horizon
        self.conditioning = conditioning
        self.denoiser = denoiser
        self.diffusion = diffusion
        self.sampler = sampler
        self.normalization = normalization
        self.imageEncoder = imageEncoder
    }

    /// Supported numbers of components of an observation or action: enough for any robot, few enough to reject a
    /// malicious file.
    static let supportedDimensions = 1...65_536
    /// Supported horizon lengths.
    static let supportedLengths = 1...4096

    /// Returns the `D` of shapes: the number of components of an observation vector, 0 for a policy that uses only
    /// images.
    /// - Throws: `InputError` when the size of a feature is unknown, or `InputError`.
    package func observationDimension() throws -> Int {
        try validateObservations()
        let smallest = observations.images.isEmpty ? Self.supportedDimensions.lowerBound : 0
        guard let dimension = observations.dimension, smallest...Self.supportedDimensions.upperBound ~= dimension else {
            throw InputError(
                key: "observations",
                expected: """
                    features of \(Self.supportedDimensions) components together, each with its size \
                    (found in the dataset)
                    """,
                found: observations.dimension.map { "\($0) components" } ?? "a feature of unknown size")
        }
        return dimension
    }

    /// The `A` of shapes: the components of an action.
    /// - Throws: `InputError` while it is unknown.
    func actionDimension() throws -> Int {
        guard action.dimension > 0 else {
            throw InputError(
                key: "action.dimension", expected: "\(Self.supportedDimensions) (found in the dataset)", found: "none")
        }
        return action.dimension
    }

    /// Checks every value and that they are consistent.
    ///
    /// Features whose size is not known yet, as in a recipe, are valid.
    /// - Throws: `InputError`, which names the key and states the valid values.
    package func validate() throws {
        try validateImages()
        try validateObservations()
        try action.validate()
        try InputError.under("diffusion", diffusion.validate)
        try sampler.validate(trainingSteps: diffusion.steps)
        let lengths = [
            ("observation", horizon.observation), ("prediction", horizon.prediction), ("action", horizon.action),
        ]
        for (key, length) in lengths {
            guard Self.supportedLengths.contains(length) else {
                throw InputError(key: "horizon.\(key)", expected: "\(Self.supportedLengths)", found: length)
            }
        }
        try horizon.validate()
        try denoiser.validate(horizon: horizon, conditioning: conditioning)
        try validateNormalization()
    }

    private func validateImages() throws {
        let images = observations.images
        for (index, image) in images.enumerated() {
            try image.validate()
            guard images[..<index].allSatisfy({ $0.name != image.name }) else {
                throw InputError(
                    key: "observations.images", expected: "images of different names", found: "\(image.name) twice")
            }
            let smallest = RGBEncoder.Configuration.smallestUsefulSide
            if let seen = image.inputSize, min(seen.height, seen.width) < smallest {
                throw InputError(
                    key: "observations, image \(image.name)",
                    expected: """
                        at least \(smallest)×\(smallest) pixels as network input (crop, resize, size), since the \
                        encoder's cells are 32 apart
                        """, found: seen)
            }
        }
        try imageEncoder?.validate()
        if images.isEmpty, imageEncoder != nil {
            throw InputError(
                key: "image_encoder", expected: "null for a policy without observations.images", found: "an encoder")
        }
        if !images.isEmpty, conditioning == .inpainting {
            throw InputError(
                key: "conditioning", expected: "global or local, since features of images cannot be denoised",
                found: conditioning)
        }
    }

    private func validateObservations() throws {
        var widths: [String: Int] = [:]
        for feature in observations.features {
            let largest = Self.supportedDimensions.upperBound
            let width = feature.size ?? feature.minimumSize ?? 1
            guard Self.supportedDimensions.contains(width), feature.slice.map({ 0..<largest ~= $0.lowerBound }) ?? true,
                feature.indices?.allSatisfy((0..<largest).contains) ?? true
            else {
                throw InputError(
                    key: "observations, feature \(feature.name)", expected: "a size in \(Self.supportedDimensions)",
                    found: width)
            }
            widths[feature.name] = max(width, widths[feature.name] ?? 0)
        }
        let sizes = observations.images.map { ($0.name, $0.size ?? ImageSize(height: 1, width: 1)) }
        _ = try observations.resolved(
            featureSizes: widths, sizes: Dictionary(sizes, uniquingKeysWith: { first, _ in first }))
    }

    private func validateNormalization() throws {
        let names = observations.features.map(\.name)
        for name in normalization.features.keys.sorted() where !names.contains(name) {
            throw InputError(
                key: "normalization.features",
                expected: "features of the observations (\(names.joined(separator: ", ")))", found: name)
        }
        var sampled = [normalization.action]
        if conditioning == .inpainting { sampled += names.map(normalization.mode(ofFeature:)) }
        if let clip = diffusion.clip, sampled.contains(.gaussian) {
            throw InputError(
                key: "diffusion.clip",
                expected: "null, since values normalized by mean and standard deviation exceed any fixed range",
                found: clip)
        }
    }
}
