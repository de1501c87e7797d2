import CDPPNG
import DPBase
import DPEvaluation
import DPInterface
import Foundation
import Testing

@Suite("PNG")
struct PNGTests {
    @Test("An image survives encoding", arguments: [(1, 1), (5, 3), (96, 96), (301, 2)])
    func roundTrip(width: Int, height: Int) throws {
        var noise = SystemRandomNumberGenerator()
        let pixels = (0..<width * height * 3).map { _ in UInt8.random(in: 0...255, using: &noise) }
        let image = RGBImage(width: width, height: height, pixels: pixels)
        #expect(try decode(PNG.encode(image)) == image)
    }

    @Test("Writing a picture replaces an existing file and leaves no others")
    func write() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("frame.png")
        try Data("old".utf8).write(to: file)
        let image = RGBImage(width: 4, height: 4, filledWith: (1, 2, 3))
        try PNG.write(image, to: file)
        #expect(try decode(Data(contentsOf: file)) == image)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["frame.png"])
    }

    @Test("The error for an empty image states its size")
    func empty() {
        let error = #expect(throws: InputError.self) { try PNG.encode(RGBImage(width: 0, height: 3, pixels: [])) }
        #expect("\(error!)".contains("0×3"))
    }

    /// Decodes within `withUnsafeBytes`, because libpng reads the bytes until the picture is finished.
    private func decode(_ data: Data) throws -> RGBImage {
        try data.withUnsafeBytes { bytes in
            var header = png_image()
            header.version = png_uint_32(PNG_IMAGE_VERSION)
            try #require(png_image_begin_read_from_memory(&header, bytes.baseAddress, bytes.count) != 0)
            header.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
            let (width, height) = (Int(header.width), Int(header.height))
            var pixels = [UInt8](repeating: 0, count: width * height * 3)
            try #require(png_image_finish_read(&header, nil, &pixels, 0, nil) != 0)
            return RGBImage(width: width, height: height, pixels: pixels)
        }
    }
}
