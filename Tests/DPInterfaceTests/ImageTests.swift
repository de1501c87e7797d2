import DPBase
import DPInterface
import Foundation
import Testing

@Suite struct ImageTests {
    private let small = ImageSize(height: 2, width: 3)

    @Test func theMiddleIsWhereTorchvisionHasIt() {
        func corner(_ height: Int, _ part: Int) -> Int {
            ImageSize(height: height, width: 9).corner(ofCentered: ImageSize(height: part, width: 4)).top
        }
        #expect(corner(96, 84) == 6)
        #expect(corner(10, 10) == 0)
        // Halves are rounded to the even number: 1.5 and 2.5 both to 2.
        #expect(corner(7, 4) == 2)
        #expect(corner(9, 4) == 2)
        #expect(ImageSize(height: 9, width: 9).corner(ofCentered: ImageSize(height: 9, width: 4)).left == 2)
    }

    @Test func resizingMixesNeighbors() {
        var image = RGBImage(width: 2, height: 1, filledWith: (0, 100, 255))
        image.pixels.replaceSubrange(3..<6, with: [200, 100, 55])
        let wide = image.resized(to: ImageSize(height: 1, width: 4))
        #expect(wide.pixels == [0, 100, 255, 50, 100, 205, 150, 100, 105, 200, 100, 55])
        #expect(
            image.resized(to: ImageSize(height: 3, width: 1)).pixels == [100, 100, 155, 100, 100, 155, 100, 100, 155])
        #expect(image.resized(to: image.size) == image)
    }

    /// The expected values are those of torchvision and Pillow.
    @Test func shrinkingMissesNothing() {
        let ramp = RGBImage(width: 4, height: 1, pixels: [0, 80, 160, 240].flatMap { [$0, 7, 255] })
        #expect(ramp.resized(to: ImageSize(height: 1, width: 2)).pixels == [57, 7, 255, 183, 7, 255])
        var speck = RGBImage(width: 40, height: 40, filledWith: (0, 0, 0))
        speck.pixels.replaceSubrange(0..<3, with: [255, 255, 255])
        #expect(speck.resized(to: ImageSize(height: 4, width: 4)).pixels[0] > 0)
    }

    @Test func sizesAreWrittenHeightFirst() throws {
        let image = ImageSelection("wrist", size: ImageSize(height: 4, width: 6), crop: small)
        let text = String(decoding: try JSONEncoder().encode(image), as: UTF8.self)
        #expect(text.contains(#""size":[4,6]"#) && text.contains(#""crop":[2,3]"#))
        #expect(try JSONDecoder().decode(ImageSelection.self, from: Data(text.utf8)) == image)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(ImageSize.self, from: Data("[1]".utf8)) }
        let vectors = #"{"features": [{"name": "state"}]}"#
        #expect(try JSONDecoder().decode(ObservationSchema.self, from: Data(vectors.utf8)) == .pushTState)
    }

    @Test func schemasOfImagesAreResolvedAndRead() throws {
        let schema = ObservationSchema(
            [FeatureSelection("joints")], images: [ImageSelection("wrist", crop: small), ImageSelection("scene")])
        let sizes = ["wrist": ImageSize(height: 4, width: 4), "scene": small, "rear": small]
        let resolved = try schema.resolved(featureSizes: ["joints": 2], sizes: sizes)
        #expect(resolved.images.map(\.inputSize) == [small, small])
        #expect(resolved.dimension == 2)
        let (wrist, scene) = (
            RGBImage(width: 4, height: 4, filledWith: (1, 2, 3)), RGBImage(width: 3, height: 2, filledWith: (4, 5, 6))
        )
        var observation = RobotObservation(
            vectors: ["joints": [0, 1]], images: ["scene": scene, "wrist": wrist, "rear": scene])
        #expect(try resolved.images(from: observation) == [wrist, scene])

        observation.images["wrist"] = scene
        #expect(
            message { _ = try resolved.images(from: observation) }
                == #"observation image "wrist": expected 4×4 pixels, found 2×3"#)
        observation.images["wrist"] = nil
        observation.images["rear"] = nil
        #expect(
            message { _ = try resolved.images(from: observation) }
                == #"observation: expected an image "wrist", found scene, joints (a vector)"#)
        #expect(
            message { _ = try schema.resolved(featureSizes: ["joints": 2], sizes: ["scene": small]) }
                == #"observation: expected an image "wrist", found scene"#)
    }

    @Test func cropsLargerThanTheImageAreRefused() {
        let crop = ImageSize(height: 5, width: 3)
        #expect(
            message { try ImageSelection("wrist", size: ImageSize(height: 4, width: 4), crop: crop).validate() }
                == "observations, image wrist, crop: expected at most 4×4, the size of the image, found 5×3")
        #expect(
            message { try ImageSelection("wrist", resize: ImageSize(height: 0, width: 9)).validate() }.contains(
                "resize"))
        #expect(throws: Never.self) {
            try ImageSelection("wrist", size: small, resize: ImageSize(height: 8, width: 8), crop: crop).validate()
        }
    }

    private func message(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return "no error"
    }
}
