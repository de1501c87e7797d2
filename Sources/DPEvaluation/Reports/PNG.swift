internal import CDPPNG
import DPBase
package import DPInterface
package import Foundation

/// Writes images as PNG files.
package enum PNG {
    /// Encodes an image as the content of a PNG file, with libpng's simplified interface.
    /// - Throws: `InputError`, with libpng's reason, for an image that the format cannot hold (an empty one).
    package static func encode(_ image: RGBImage) throws -> Data {
        var header = png_image()
        header.version = png_uint_32(PNG_IMAGE_VERSION)
        header.width = png_uint_32(image.width)
        header.height = png_uint_32(image.height)
        header.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
        defer { png_image_free(&header) }
        // The first call, without memory, only returns the size.
        var size: png_alloc_size_t = 0
        guard png_image_write_to_memory(&header, nil, &size, 0, image.pixels, 0, nil) != 0 else {
            throw InputError.png(image, header)
        }
        var data = Data(count: Int(size))
        let succeeded = data.withUnsafeMutableBytes {
            png_image_write_to_memory(&header, $0.baseAddress, &size, 0, image.pixels, 0, nil) != 0
        }
        guard succeeded else { throw InputError.png(image, header) }
        return data.prefix(Int(size))
    }

    /// Writes an image to a PNG file.
    /// - Throws: `InputError`, or `FileSystemError`; an existing file is then unchanged.
    package static func write(_ image: RGBImage, to file: URL) throws {
        try AtomicFile.write(encode(image), to: file)
    }
}

extension InputError {
    /// The error for an image that libpng cannot write, with its reason.
    fileprivate static func png(_ image: RGBImage, _ header: png_image) -> InputError {
        var message = header.message
        let reason = withUnsafeBytes(of: &message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return InputError(
            at: "image", expected: "a size that can be written as PNG",
            found: "\(image.width)×\(image.height) pixels: \(reason)")
    }
}
