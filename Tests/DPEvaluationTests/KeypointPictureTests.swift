import DPEvaluation
import DPInterface
import Testing

@Suite("Keypoints on frames")
struct KeypointPictureTests {
    @Test("each keypoint has its color at its position, in every frame")
    func marks() {
        let frame = RGBImage(width: 20, height: 10, filledWith: (0, 0, 0))
        let places: [[SIMD2<Float>]] = [[SIMD2(5.5, 5.5), SIMD2(14.5, 2.5)], [SIMD2(14.5, 2.5), SIMD2(5.5, 5.5)]]
        let picture = KeypointPicture(frames: [frame, frame], keypoints: places, enlargement: 2).image
        #expect(picture.size == ImageSize(height: 28, width: 92))
        func color(_ x: Int, _ y: Int) -> [UInt8] {
            let index = (y * picture.width + x) * 3
            return Array(picture.pixels[index..<index + 3])
        }
        // Frames begin after a gap of four pixels.
        let (first, second) = (color(4 + 11, 4 + 11), color(4 + 29, 4 + 5))
        #expect(first != second && first != [0, 0, 0] && second != [0, 0, 0])
        #expect(color(48 + 29, 4 + 5) == first)
        #expect(color(48 + 11, 4 + 11) == second)
    }

    @Test("keypoints that are outside or not finite are ignored")
    func outside() {
        let frame = RGBImage(width: 4, height: 4, filledWith: (9, 9, 9))
        let places: [SIMD2<Float>] = [SIMD2(-40, 2), SIMD2(.nan, 1), SIMD2(2, .infinity), SIMD2(400, 400)]
        let picture = KeypointPicture(frames: [frame], keypoints: [places], enlargement: 1).image
        #expect(picture == KeypointPicture(frames: [frame], keypoints: [[]], enlargement: 1).image)
    }
}
