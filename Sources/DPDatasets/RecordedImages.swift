import DPBase
public import DPInterface

/// The images of one camera for every frame, 8 bits per number, so that hours of images fit into memory.
///
/// ```swift
/// let wrist = RecordedImages("wrist", size: ImageSize(height: 96, width: 128), pixels: pixels)
/// let firstFrame = wrist[0]  // an RGBImage of 128 × 96 pixels
/// ```
public struct RecordedImages: Sendable, Equatable {
    /// The name, such as `img`.
    public var name: String
    /// The size of each image.
    public var size: ImageSize
    /// The pixels, `[frames, height, width, channel]`, with channels red, green and blue.
    public var pixels: [UInt8]
    /// The feature that the images were rendered from; nil for camera images.
    package var drawnFrom: String?

    /// Creates the images of a camera.
    public init(_ name: String, size: ImageSize, pixels: [UInt8], drawnFrom: String? = nil) {
        self.drawnFrom = drawnFrom
        self.name = name
        self.size = size
        self.pixels = pixels
    }

    /// The image of a frame.
    public subscript(frame: Int) -> RGBImage {
        RGBImage(
            width: size.width, height: size.height,
            pixels: Array(pixels[frame * size.count..<(frame + 1) * size.count]))
    }

    /// Returns the images resized; see `RGBImage.resized(to:)`.
    /// - Throws: `OutOfMemory`.
    package func resized(to newSize: ImageSize) throws -> RecordedImages {
        if newSize == size { return self }
        var resized: [UInt8] = []
        let frames = pixels.count / size.count
        try AvailableMemory.check(frames * newSize.count)
        resized.reserveCapacity(frames * newSize.count)
        for frame in 0..<frames { resized += self[frame].resized(to: newSize).pixels }
        return RecordedImages(name, size: newSize, pixels: resized, drawnFrom: drawnFrom)
    }

    /// Checks that there is one image per frame.
    func check(frames: Int, source: String) throws {
        guard size.count > 0, pixels.count == frames * size.count else {
            throw InputError(
                at: source, key: "data/\(name)",
                expected: "\(frames) images of \(size), as the last of meta/episode_ends says",
                found: "\(pixels.count) numbers")
        }
    }
}

extension RecordedImages {
    /// Reads the images of an array: `[frames, height, width, 3]` of bytes, or of numbers in 0 … 255.
    ///
    /// Rounds numbers to bytes one chunk at a time, so that only the bytes need memory.
    /// - Throws: `InputError` with the frame, `FileSystemError`, or `OutOfMemory`.
    init(_ name: String, of array: ZarrArray) throws {
        try Self.check(array)
        size = ImageSize(height: array.shape[1], width: array.shape[2])
        self.name = name
        let type = array.metadata.elementType
        // Check that the last rows exist before allocating memory for all of them.
        if array.missingChunks == .refuse { try array.forEachBand(in: array.rowCount - 1..<array.rowCount) { _, _ in } }
        let count = array.rowCount * size.count
        try AvailableMemory.check(count)
        pixels = try type == .uint8 ? Self.bytes(of: array, count: count) : Self.roundedNumbers(of: array, count: count)
    }

    /// Checks the shape and the type of an array of images.
    static func check(_ array: ZarrArray) throws {
        guard array.shape.count == 4, array.shape[3] == 3, !array.shape.contains(0) else {
            let isChannelsFirst = array.shape.count == 4 && array.shape[1] == 3
            throw InputError(
                at: array.path, key: "shape", expected: "[frames, height, width, 3], channels red, green, blue",
                found: "\(array.shape)",
                hint: isChannelsFirst ? "move the channels behind height and width" : nil)
        }
        let type = array.metadata.elementType
        guard type == .uint8 || type.isFloatingPoint else {
            throw InputError(
                at: array.path, key: "dtype", expected: "bytes, or floating-point numbers in 0 … 255",
                found: type.rawValue)
        }
    }

    private static func bytes(of array: ZarrArray, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { pixels, filled in
            try array.forEachBand(in: 0..<array.rowCount) { _, bytes in
                UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: pixels[filled...]))
                    .copyMemory(from: bytes)
                filled += bytes.count
            }
        }
    }

    private static func roundedNumbers(of array: ZarrArray, count: Int) throws -> [UInt8] {
        func failure(_ found: String, hint: String? = nil) -> InputError {
            InputError(at: array.path, expected: "numbers in 0 … 255", found: found, hint: hint)
        }
        var largest: Float = 0
        let pixels = try [UInt8](unsafeUninitializedCapacity: count) { pixels, filled in
            try array.forEachBandOfFloats(in: 0..<array.rowCount) { rows, numbers in
                for (index, number) in numbers.enumerated() {
                    guard number >= 0, number <= 255 else {
                        throw failure("\(number) in frame \(rows.lowerBound + index / array.rowWidth)")
                    }
                    largest = max(largest, number)
                    pixels[filled + index] = UInt8(number.rounded())
                }
                filled += numbers.count
            }
        }
        // Black images are valid in either range.
        guard largest == 0 || largest > 1 else {
            throw failure("none above 1", hint: "multiply numbers in 0 … 1 by 255")
        }
        return pixels
    }
}
