public import NeuralNetworks
import PolicyInterface
public import TensorGraph

/// Images to features: a residual network, then the place that each of its keypoints looks at.
///
/// It is the vision encoder of Diffusion Policy (Chi et al. 2023, section 3.2): a ResNet-18 trained from scratch, with group instead of batch
/// normalisation (Wu & He 2018), because the moving average of the weights and batch statistics do not agree, and with a spatial softmax (Finn et al.
/// 2016) instead of average pooling, because where things are is what matters to a robot. Names and arithmetic are those of LeRobot's
/// `DiffusionRgbEncoder`, which crops; here images come cropped, so that an encoder sees what it was made for.
public struct RGBEncoder: UnaryLayer {
    /// What the encoder was built for.
    public let configuration: Configuration
    /// Names of what follows from the configuration: the grid of the spatial softmax.
    public let buffers: [String]

    private let trunk: ResNet18
    private let maps: Conv2d
    private let projection: Linear

    /// How an encoder is built.
    public struct Configuration: Codable, Sendable, Hashable {
        /// Pixels of an image from top to bottom.
        public var height: Int
        /// Pixels of an image from left to right.
        public var width: Int
        /// How many places the encoder looks for; 32 by default, as in the paper.
        public var keypoints: Int

        /// An encoder of images of a size.
        public init(height: Int, width: Int, keypoints: Int = 32) {
            self.height = height
            self.width = width
            self.keypoints = keypoints
        }

        /// The smallest side of which the feature map has more than one cell: where there is only one, it is the place of every keypoint, whatever the
        /// image shows.
        public static let smallestUsefulSide = 33

        /// The features of an image: x and y of each keypoint, mixed.
        public var features: Int { 2 * keypoints }

        /// Checks the sizes; the limits keep what follows from hostile settings small.
        /// - Throws: `InvalidSetting`, which names the setting.
        public func validate() throws {
            for (key, value) in [("height", height), ("width", width), ("keypoints", keypoints)]
            where !(1...4096).contains(value) {
                throw InvalidSetting(key: key, expected: "1 to 4096", found: value)
            }
        }
    }

    /// An encoder whose parameters begin with `name` and a point, or are named as in PyTorch if `name` is empty.
    /// - Throws: `InvalidSetting` when the configuration cannot work.
    public init(_ configuration: Configuration, name: String = "") throws {
        try configuration.validate()
        let prefix = name.isEmpty ? "" : "\(name)."
        self.configuration = configuration
        trunk = ResNet18("\(prefix)backbone")
        maps = Conv2d(
            "\(prefix)pool.nets", inputChannels: ResNet18.channels, outputChannels: configuration.keypoints,
            kernelSize: 1)
        projection = Linear("\(prefix)out", inputs: configuration.features, outputs: configuration.features)
        buffers = ["\(prefix)pool.pos_grid"]
    }

    /// The parameters of the trunk, of the keypoints' maps and of the projection.
    public var parameters: [Parameter] { trunk.parameters + maps.parameters + projection.parameters }

    /// Records what the trunk makes of images `[batch, height, width, 3]`: `[batch, ⌈height/32⌉, ⌈width/32⌉, 512]`.
    public func featureMap(_ images: Tensor) -> Tensor {
        precondition(
            images.shape.dimensions.dropFirst() == [configuration.height, configuration.width, 3],
            "images: expected [batch, \(configuration.height), \(configuration.width), 3], found \(images.shape)")
        return trunk(images)
    }

    /// Records where the keypoints are in a feature map: x (to the right) and y (downwards) in −1 … 1, `[batch, keypoints, 2]`.
    public func keypoints(_ featureMap: Tensor) -> Tensor { maps(featureMap).spatialSoftmax() }

    /// Records the features of images `[batch, height, width, 3]`, pixels in −1 … 1: `[batch, features]`.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        let places = keypoints(featureMap(images))
        return projection(places.reshaped(to: [places.shape[0], configuration.features])).relu()
    }
}
