import DPBase
import DPInterface
import DPNetworks
import Foundation
import TestSupport
import Testing

/// One case of `rgb_encoder.json`.
struct RGBEncoderGolden: Decodable, Sendable, CustomTestStringConvertible {
    static let file = "rgb_encoder.json"

    let name: String
    /// Channels, height, and width.
    let image: [Int]
    /// Height and width of the center crop; nil for the whole image.
    let crop: [Int]?
    let keypoints: Int
    let batch: Int
    /// As in PyTorch: `[batch, channel, height, width]`.
    let featureMapShape: [Int]
    let featureMapL2: Double
    let featureMapFirst: [Float]
    let spatialSoftmax: [Float]
    let output: [Float]
    let loss: Float?
    let gradients: [String: GradientGolden]?

    var testDescription: String { name }

    var configuration: RGBEncoder.Configuration {
        let size = crop ?? Array(image.dropFirst())
        return RGBEncoder.Configuration(height: size[0], width: size[1], keypoints: keypoints)
    }

    /// The center crops of the images, `[batch, height, width, channel]`.
    var images: [Float] {
        let values = fill("input.image", count: batch * image.reduce(1, *)).map { ($0 + 1) / 2 }
        let (channels, height, width) = (image[0], image[1], image[2])
        let (rows, columns) = (configuration.height, configuration.width)
        let (top, left) = ImageSize(height: height, width: width)
            .corner(ofCentered: ImageSize(height: rows, width: columns))
        var cropped: [Float] = []
        for item in 0..<batch {
            for row in top..<top + rows {
                for column in left..<left + columns {
                    for channel in 0..<channels {
                        cropped.append(values[((item * channels + channel) * height + row) * width + column])
                    }
                }
            }
        }
        return cropped
    }

    /// Returns every case of the file; none if it is absent.
    static func cases() throws -> [RGBEncoderGolden] {
        guard Goldens.has(file) else {
            print("skipped: no \(Goldens.url(of: file).path)")
            return []
        }
        return try Goldens.decode([RGBEncoderGolden].self, from: file, keys: .convertFromSnakeCase)
    }
}
