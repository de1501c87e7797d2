internal import CPNG
public import Foundation
public import PolicyInterface

/// Writes images as PNG files.
public enum PNG {
    /// The image as the content of a PNG file, through libpng's simplified interface.
    /// - Throws: `PNGError`, with libpng's reason, for an image that the format cannot hold (an empty one).
    public static func encode(_ image: RGBImage) throws -> Data {
        var header = png_image()
        header.version = png_uint_32(PNG_IMAGE_VERSION)
        header.width = png_uint_32(image.width)
        header.height = png_uint_32(image.height)
        header.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
        defer { png_image_free(&header) }
        // The first call with no memory only tells the size.
        var size: png_alloc_size_t = 0
        guard png_image_write_to_memory(&header, nil, &size, 0, image.pixels, 0, nil) != 0 else {
            throw PNGError(image: image, header: header)
        }
        var data = Data(count: Int(size))
        let succeeded = data.withUnsafeMutableBytes {
            png_image_write_to_memory(&header, $0.baseAddress, &size, 0, image.pixels, 0, nil) != 0
        }
        guard succeeded else { throw PNGError(image: image, header: header) }
        return data.prefix(Int(size))
    }

    /// Writes an image to a PNG file.
    /// - Throws: `PNGError`, or `FileWriteError`; an older file is then as before.
    public static func write(_ image: RGBImage, to file: URL) throws {
        try writeAtomically(encode(image), to: file)
    }
}

/// An image that cannot be written as PNG.
public struct PNGError: Error, Equatable, CustomStringConvertible {
    /// The image's size and libpng's reason.
    public let description: String

    init(image: RGBImage, header: png_image) {
        var message = header.message
        let reason = withUnsafeBytes(of: &message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        description = "an image of \(image.width)×\(image.height) pixels cannot be written as PNG: \(reason)"
    }
}
