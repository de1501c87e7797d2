import PolicyInterface
import PolicyNetworks

/// How camera images become features: by a ResNet-18 with spatial softmax, trained together with the denoiser.
public struct ImageEncoderConfiguration: Sendable, Hashable {
    /// How many places an encoder looks for in an image; 32 by default, as in the paper.
    public var keypoints: Int
    /// Whether all cameras share one encoder; each has its own by default.
    public var isShared: Bool

    /// The paper's encoder, one a camera, by default.
    public init(keypoints: Int = 32, isShared: Bool = false) {
        self.keypoints = keypoints
        self.isShared = isShared
    }

    /// The features of an image.
    var features: Int { RGBEncoder.Configuration(height: 1, width: 1, keypoints: keypoints).features }

    /// Checks the settings.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        do { try RGBEncoder.Configuration(height: 1, width: 1, keypoints: keypoints).validate() } catch let error
            as InvalidSetting
        {
            throw InvalidSetting(key: "image_encoder.\(error.key)", expected: error.expected, found: error.found)
        }
    }

    /// The encoder of each camera, named `rgb_encoder` when they share it and `rgb_encoder.CAMERA` when not.
    /// - Throws: `InvalidSetting` while the size of a camera's images is unknown.
    func encoders(of images: [ImageSelection]) throws -> [RGBEncoder] {
        try images.map { image in
            guard let size = image.seenSize else {
                throw InvalidSetting(
                    key: "observations, image \(image.name), size",
                    expected: "the size of its images (found in the demonstrations)", found: "none")
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

    /// Reads the settings that are given; the others keep their defaults.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        keypoints = try fields.decodeIfPresent(Int.self, forKey: .keypoints) ?? keypoints
        isShared = try fields.decodeIfPresent(Bool.self, forKey: .isShared) ?? isShared
    }
}
