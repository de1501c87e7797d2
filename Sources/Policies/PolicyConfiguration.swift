public import NoiseSchedules
public import PolicyInterface
import PolicyNetworks

/// Everything about a policy but its numbers: what it sees, how far it looks, which network denoises and how.
public struct PolicyConfiguration: Codable, Sendable, Equatable {
    /// The fields that are observed; together they are a vector of `D` components.
    public var observations: ObservationSchema
    /// What is commanded: a vector of `A` components.
    public var action: ActionConfiguration
    /// The lengths `To`, `Tp` and `Ta`; 2, 16 and 8 by default.
    public var horizon: Horizon
    /// How the network is told the observations; as one vector by default.
    public var conditioning: Conditioning
    /// The network; the paper's small U-Net by default.
    public var denoiser: DenoiserConfiguration
    /// The diffusion that the network learns to reverse; 100 steps of squared cosine by default.
    public var diffusion: DiffusionConfiguration
    /// How actions are sampled unless another sampler is asked for; DDPM over all steps by default.
    public var sampler: Sampler
    /// How fields are scaled; by limits by default.
    public var normalisation: Normalisation
    /// How images become features; the paper's encoder if not given, nothing for a policy without images.
    public var imageEncoder: ImageEncoderConfiguration?

    private enum CodingKeys: String, CodingKey {
        case observations
        case action
        case horizon
        case conditioning
        case denoiser
        case diffusion
        case sampler
        case normalisation
        case imageEncoder = "image_encoder"
    }

    /// The paper's values by default.
    public init(
        observations: ObservationSchema, action: ActionConfiguration, horizon: Horizon = Horizon(),
        conditioning: Conditioning = .global, denoiser: DenoiserConfiguration = .unet(),
        diffusion: DiffusionConfiguration = DiffusionConfiguration(), sampler: Sampler = .ddpm(),
        normalisation: Normalisation = Normalisation(), imageEncoder: ImageEncoderConfiguration? = nil
    ) {
        self.observations = observations
        self.action = action
        self.horizon = horizon
        self.conditioning = conditioning
        self.denoiser = denoiser
        self.diffusion = diffusion
        self.sampler = sampler
        self.normalisation = normalisation
        self.imageEncoder = imageEncoder
    }

    /// Components of an observation or action that are supported: enough for any robot, little enough to refuse a hostile file.
    static let supportedDimensions = 1...65_536
    /// Lengths of horizons that are supported.
    static let supportedLengths = 1...4096

    /// The `D` of shapes: the components of an observation vector, 0 for a policy that sees only images.
    /// - Throws: `InvalidSetting` while the width of a field is unknown, or `ObservationError`.
    public func observationDimension() throws -> Int {
        try validateObservations()
        let smallest = observations.images.isEmpty ? Self.supportedDimensions.lowerBound : 0
        guard let dimension = observations.dimension, smallest...Self.supportedDimensions.upperBound ~= dimension else {
            throw InvalidSetting(
                key: "observations",
                expected: """
                    fields of \(Self.supportedDimensions) components together, each with its width \
                    (found in the demonstrations)
                    """,
                found: observations.dimension.map { "\($0) components" } ?? "a field of unknown width")
        }
        return dimension
    }

    /// Checks every value, and that they fit together.
    ///
    /// Fields whose width is not known yet, as in a recipe, are in order.
    /// - Throws: `HorizonError`, `InvalidSetting` or `ObservationError`, which name the key and say what works.
    public func validate() throws {
        try validateImages()
        try validateObservations()
        try action.validate()
        do { try diffusion.validate() } catch let error as InvalidSetting {
            throw InvalidSetting(key: "diffusion.\(error.key)", expected: error.expected, found: error.found)
        }
        try sampler.validate(trainingSteps: diffusion.steps)
        let lengths = [
            ("observation", horizon.observation), ("prediction", horizon.prediction), ("action", horizon.action),
        ]
        for (key, length) in lengths {
            guard Self.supportedLengths.contains(length) else {
                throw InvalidSetting(key: "horizon.\(key)", expected: "\(Self.supportedLengths)", found: length)
            }
        }
        try horizon.validate()
        try denoiser.validate(horizon: horizon, conditioning: conditioning)
        try validateNormalisation()
    }

    private func validateImages() throws {
        let images = observations.images
        for (index, image) in images.enumerated() {
            try image.validate()
            guard images[..<index].allSatisfy({ $0.name != image.name }) else {
                throw InvalidSetting(
                    key: "observations.images", expected: "images of different names", found: "\(image.name) twice")
            }
            let smallest = RGBEncoder.Configuration.smallestUsefulSide
            if let seen = image.seenSize, min(seen.height, seen.width) < smallest {
                throw InvalidSetting(
                    key: "observations, image \(image.name)",
                    expected: """
                        at least \(smallest)×\(smallest) pixels for the network to see (crop, resize, size), since the encoder's cells are 32 \
                        apart
                        """, found: seen)
            }
        }
        try imageEncoder?.validate()
        if images.isEmpty, imageEncoder != nil {
            throw InvalidSetting(
                key: "image_encoder", expected: "null for a policy without observations.images", found: "an encoder")
        }
        if !images.isEmpty, conditioning == .inpainting {
            throw InvalidSetting(
                key: "conditioning", expected: "global or local, since features of images cannot be denoised",
                found: conditioning)
        }
    }

    private func validateObservations() throws {
        var widths: [String: Int] = [:]
        for field in observations.fields {
            let largest = Self.supportedDimensions.upperBound
            let width = field.width ?? field.leastWidth ?? 1
            guard Self.supportedDimensions.contains(width), field.columns.map({ 0..<largest ~= $0.lowerBound }) ?? true,
                field.indices?.allSatisfy((0..<largest).contains) ?? true
            else {
                throw InvalidSetting(
                    key: "observations, field \(field.name)", expected: "a width in \(Self.supportedDimensions)",
                    found: width)
            }
            widths[field.name] = max(width, widths[field.name] ?? 0)
        }
        let sizes = observations.images.map { ($0.name, $0.size ?? ImageSize(height: 1, width: 1)) }
        _ = try observations.resolved(widths: widths, sizes: Dictionary(sizes, uniquingKeysWith: { first, _ in first }))
    }

    private func validateNormalisation() throws {
        let names = observations.fields.map(\.name)
        for name in normalisation.fields.keys.sorted() where !names.contains(name) {
            throw InvalidSetting(
                key: "normalisation.fields",
                expected: "fields of the observations (\(names.joined(separator: ", ")))", found: name)
        }
        var sampled = [normalisation.action]
        if conditioning == .inpainting { sampled += names.map(normalisation.mode(ofField:)) }
        if let clip = diffusion.clip, sampled.contains(.gaussian) {
            throw InvalidSetting(
                key: "diffusion.clip",
                expected: "null, since what is sampled is normalised by mean and deviation and exceeds any fixed range",
                found: clip)
        }
    }
}
