import Foundation
import Logging
import TensorFiles

/// Demonstrations in a file, of which nothing is read yet but where episodes end.
struct Recording {
    let group: ZarrGroup
    /// The number of frames up to and with each episode that has any.
    let episodeEnds: [Int]
    /// Which episodes these are in the file, from 0.
    let episodeNumbers: [Int]
    /// How many episodes have no frames.
    let emptyEpisodes: Int
    private let missingChunks: ZarrArray.MissingChunks
    private let logger: Logger

    /// The share of absent chunks above which they are warned of.
    static let tolerableAbsence = 0.03

    init(_ url: URL, missingChunks: ZarrArray.MissingChunks = .fill, logger: Logger) throws {
        group = try ZarrGroup(contentsOf: url)
        self.missingChunks = missingChunks
        self.logger = logger
        let ends = try group.array("meta/episode_ends", missingChunks: missingChunks)
        guard ends.shape.count == 1 else {
            throw TensorFileError(
                file: group.path, key: ends.name, expected: "one dimension", found: "\(ends.shape.count)")
        }
        let all = try ends.integers().map { Int($0) }
        let isEmpty = zip([0] + all, all).map { $0 == $1 }
        episodeNumbers = all.indices.filter { !isEmpty[$0] }
        episodeEnds = episodeNumbers.map { all[$0] }
        emptyEpisodes = all.count - episodeEnds.count
        _ = try ReplayBuffer.checkEpisodeEnds(episodeEnds, numbers: episodeNumbers, source: group.path)
        if emptyEpisodes > 0 {
            let empty = all.indices.filter { isEmpty[$0] }.prefix(8).map { "\($0)" }
            logger.warning(
                """
                \(group.path): \(emptyEpisodes) of \(all.count) episodes have no frames and are left out: \
                \(empty.joined(separator: ", "))\(emptyEpisodes > empty.count ? ", …" : "")
                """)
        }
    }

    var path: String { group.path }
    /// The frames of each episode that has any.
    var episodes: [Range<Int>] { zip([0] + episodeEnds, episodeEnds).map { $0..<$1 } }
    /// How many frames all episodes have together.
    var frameCount: Int { episodeEnds.last ?? 0 }

    /// The names of all fields but images.
    /// - Throws: when a field's kind cannot be told.
    var vectorNames: [String] {
        get throws {
            let fields = try group.arrays(in: "data")
            guard !fields.isEmpty else {
                throw TensorFileError(file: path, key: "data", expected: "at least one field", found: "none")
            }
            return try fields.filter { try !$0.array.get().isImage }.map(\.name)
        }
    }

    /// The array of a field, which is as long as all episodes.
    /// - Throws: `TensorFileError` or `FileSystemError`, naming the field and what there is.
    func array(_ name: String) throws -> ZarrArray {
        let available = try group.arrayNames(in: "data")
        guard available.contains(name) else {
            throw TensorFileError(
                file: path, key: "data/\(name)", expected: "a field of this name",
                found: available.isEmpty ? "none" : available.joined(separator: ", "))
        }
        let array = try group.array("data/\(name)", missingChunks: missingChunks)
        try check(array)
        let (absent, count) = try array.absentChunks()
        if missingChunks == .fill, Double(absent) > Double(count) * Self.tolerableAbsence {
            logger.warning(
                """
                \(path), data/\(name): \(absent) of \(count) chunks are absent and stand for \
                \(array.metadata.fillValue.map { "\($0)" } ?? "nothing")
                """)
        }
        return array
    }

    /// Checks that there is a field of a camera's name.
    /// - Throws: `TensorFileError`, which lists what there is.
    func requireImage(_ name: String) throws {
        let available = try group.arrayNames(in: "data")
        guard !available.contains(name) else { return }
        throw TensorFileError(
            file: path, key: "data/\(name)", expected: "an image \"\(name)\"",
            found: "none of this name among \(available.joined(separator: ", "))")
    }

    /// Checks that an array has a row a frame.
    func check(_ array: ZarrArray) throws {
        guard array.shape.first == frameCount else {
            throw TensorFileError(
                file: path, key: array.name, expected: "\(frameCount) frames, as the last of meta/episode_ends says",
                found: array.shape.first.map { "\($0)" } ?? "a single number")
        }
    }
}

extension ZarrArray {
    /// Whether a frame is an image (or several): three dimensions or more.
    var isImage: Bool { shape.count >= 4 }
}
