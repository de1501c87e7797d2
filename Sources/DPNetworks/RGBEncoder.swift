import DPBase
package import DPGraph

/// An image encoder: a residual network followed by a spatial softmax that locates keypoints.
///
/// It is the vision encoder of Diffusion Policy (Chi et al. 2023, section 3.2): a ResNet-18 trained from scratch,
/// with group normalization instead of batch normalization (Wu & He 2018), because batch statistics do not match
/// the EMA of the weights, and with a spatial softmax (Finn et al. 2016) instead of average pooling, because a
/// robot needs the positions of objects. Names and arithmetic match LeRobot's `DiffusionRgbEncoder`, except that
/// cropping happens before the encoder, which therefore always receives images of its configured size.
package struct RGBEncoder: UnaryLayer {
    /// The configuration of the encoder.
    package let configuration: Configuration
    /// The name of PyTorch's only buffer: the grid of the spatial softmax, which follows from the configuration.
    package let buffers: [String]

    private let backbone: ResNet18
    private let maps: Conv2d
    private let projection: Linear

    /// The configuration of an encoder.
    package struct Configuration: Codable, Sendable, Hashable {
        /// Image height in pixels.
        package var height: Int
        /// Image width in pixels.
        package var width: Int
        /// Number of keypoints; 32 by default, as in the paper.
        package var keypoints: Int

        /// Creates the configuration of an encoder for images of the given size.
        package init(height: Int, width: Int, keypoints: Int = 32) {
            self.height = height
            self.width = width
            self.keypoints = keypoints
        }

        /// The smallest image side for which the feature map has more than one cell.
        ///
        /// With a single cell, every keypoint has the same position, regardless of the image.
        package static let smallestUsefulSide = 33

        /// Number of features of an image: x and y of each keypoint, mixed by a linear layer.
        package var features: Int { 2 * keypoints }

        /// Checks the sizes; the limits bound the memory that malicious settings can request.
        /// - Throws: `InputError`, which names the setting.
        package func validate() throws {
            for (key, value) in [("height", height), ("width", width), ("keypoints", keypoints)]
            where !(1...4096).contains(value) {
                throw InputError(key: key, expected: "1 to 4096", found: value)
            }
        }
    }

    /// Creates an encoder whose parameter names begin with `name` and a period, or match PyTorch's if `name` is empty.
    /// - Throws: `InputError` when the configuration cannot work.
    package init(_ configuration: Configuration, name: String = "") throws {
        try configuration.validate()
        let prefix = name.isEmpty ? "" : "\(name)."
        self.configuration = configuration
        backbone = ResNet18("\(prefix)backbone")
        maps = Conv2d(
            "\(prefix)pool.nets", inputChannels: ResNet18.channels, outputChannels: configuration.keypoints,
            kernelSize: 1)
        projection = Linear("\(prefix)out", inputs: configuration.features, outputs: configuration.features)
        buffers = ["\(prefix)pool.pos_grid"]
    }

    /// The parameters of the backbone, the keypoint maps, and the projection.
    package var parameters: [Parameter] { backbone.parameters + maps.parameters + projection.parameters }

    /// Records the backbone's feature map of images `[batch, height, width, 3]`:
    /// `[batch, ⌈height/32⌉, ⌈width/32⌉, 512]`.
    package func featureMap(_ images: Tensor) -> Tensor {
        precondition(
            images.shape.dimensions.dropFirst() == [configuration.height, configuration.width, 3],
            "images: expected [batch, \(configuration.height), \(configuration.width), 3], found \(images.shape)")
        return backbone(images)
    }

    /// Records the keypoint positions in a feature map: x (rightward) and y (downward) in −1 … 1,
    /// `[batch, keypoints, 2]`.
    package func keypoints(_ featureMap: Tensor) -> Tensor { maps(featureMap).spatialSoftmax() }

    /// Records the features of images `[batch, height, width, 3]` with pixels in −1 … 1: `[batch, features]`.
    package func callAsFunction(_ images: Tensor) -> Tensor {
        let coordinates = keypoints(featureMap(images))
        return projection(coordinates.reshaped(to: [coordinates.shape[0], configuration.features])).relu()
    }
}
