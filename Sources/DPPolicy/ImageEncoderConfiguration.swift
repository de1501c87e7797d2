import DPBase
import DPInterface
import DPNetworks

/// The configuration of the image encoders: a ResNet-18 with spatial softmax, trained together with the denoiser.
///
/// ```swift
/// var recipe = try RecipeFile.read("custom-robot-cameras")
/// recipe.policy.imageEncoder = ImageEncoderConfiguration(keypoints: 16, isShared: true)
/// ```
public struct ImageEncoderConfiguration: Sendable, Hashable {
    /// Number of keypoints in an image; 32 by default, as in the paper.
    public var keypoints: Int
    /// Whether all cameras share one encoder; each has its own by default.
    public var isShared: Bool

    /// Creates a configuration; the default is the paper's encoder, one per camera.
    public init(keypoints: Int = 32, isShared: Bool = false) {
        self.keypoints = keypoints
        self.isShared = isShared
    }

    /// Number of features of an image.
    var features: Int { RGBEncoder.Configuration(height: 1, width: 1, keypoints: keypoints).features }

    /// Checks the settings.
    /// - Throws: `InputError`.
    package func validate() throws {
        try InputError.under("image_encoder") {
            try RGBEncoder.Configuration(height: 1, width: 1, keypoints: keypoints).validate()
        }
    }

    /// Returns the encoder of each camera, named `rgb_encoder` if the cameras share it and `rgb_encoder.CAMERA`
    /// otherwise.
    /// - Throws: `InputError` when the size of a camera's images is unknown.
    func encoders(of images: [ImageSelection]) throws -> [RGBEncoder] {
        try images.map { image in
            guard let size = image.inputSize else {
                throw InputError(
                    key: "observations, image \(image.name), size",
                    expected: "the size of its images (found in the dataset)", found: "none")
            }
            return try RGBEncoder(
                RGBEncoder.Configuration(height: size.height, width: size.width, keypoints: keypoints),
                name: isShared ? "rgb_encoder" : "rgb_encoder.\(image.name)")
        }
    }
}

extension ImageEncoderConfiguration: Codable {
    private enum CodingKeys: String, CodingKey {
        case keypoints
        case isShared = "shared"
    }

    /// Reads the given settings; the others keep their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        keypoints = try container.decodeIfPresent(Int.self, forKey: .keypoints) ?? keypoints
        isShared = try container.decodeIfPresent(Bool.self, forKey: .isShared) ?? isShared
    }
}
