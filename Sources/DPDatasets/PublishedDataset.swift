package import DPBase
package import Foundation

/// A published dataset, with checksums to verify a copy.
package struct PublishedDataset: Sendable {
    /// The expected contents of an array.
    package struct Checksum: Sendable {
        /// The name in the hierarchy: `data/state`.
        package var array: String
        /// The dimensions.
        package var shape: [Int]
        /// The stored type of the numbers.
        package var elementType: ElementType
        /// The SHA-256 of the decoded numbers, row-major and little-endian, in hexadecimal.
        package var sha256: String

        /// Creates the expected contents of an array.
        package init(_ array: String, shape: [Int], elementType: ElementType, sha256: String) {
            self.array = array
            self.shape = shape
            self.elementType = elementType
            self.sha256 = sha256
        }
    }

    /// The name of the archive without its extension.
    package var name: String
    /// The location of the archive.
    package var url: URL
    /// The name of the unpacked zarr folder.
    package var folderName: String
    /// The expected contents of its arrays.
    package var checksums: [Checksum]

    /// Creates a description of a published dataset.
    package init(name: String, url: URL, folderName: String, checksums: [Checksum]) {
        self.name = name
        self.url = url
        self.folderName = folderName
        self.checksums = checksums
    }

    /// Push-T demonstrated by humans: 206 episodes, 25,650 frames at 10 Hz.
    ///
    /// (Chi et al. 2023; the checksums are those of the archive that its authors publish.)
    package static let pushT = PublishedDataset(
        name: "pusht",
        url: URL(string: "https://diffusion-policy.cs.columbia.edu/data/training/pusht.zip")!,
        folderName: "pusht_cchi_v7_replay.zarr",
        checksums: [
            Checksum(
                "meta/episode_ends", shape: [206], elementType: .int64,
                sha256: "82db02e667c59a83fedb211ab9b84182591b75009df1385210d5235197f93d72"),
            Checksum(
                "data/action", shape: [25_650, 2], elementType: .float32,
                sha256: "6691b085749144b8db1aede97a80fb380afd08953fcd03660b441d0ffe9d6a8f"),
            Checksum(
                "data/state", shape: [25_650, 5], elementType: .float32,
                sha256: "dcdc539bfdba9fc01cba8d2fe91cc580539ec046a88b0ffbe91be5511948d4dc"),
            Checksum(
                "data/keypoint", shape: [25_650, 9, 2], elementType: .float32,
                sha256: "2419980734c1d41050f8fbf7513031e6e784168bafbe42bcec81fdebe44c6611"),
            Checksum(
                "data/n_contacts", shape: [25_650, 1], elementType: .float32,
                sha256: "3e4258a61c21da4af3257269d3300b5128f04ba3ad34ebd0d0e709489ca854d4"),
            Checksum(
                "data/img", shape: [25_650, 96, 96, 3], elementType: .float32,
                sha256: "3f7650895d1a500d7162b10475df689731f4fece2b15eaf7d913a560c2a0783d"),
        ])

    /// Verifies every array of a copy, a few rows at a time.
    /// - Throws: `InputError` with the array that differs.
    package func verify(_ url: URL) throws {
        let group = try ZarrGroup(contentsOf: url)
        for checksum in checksums {
            let array = try group.array(checksum.array)
            guard array.shape == checksum.shape, array.metadata.elementType == checksum.elementType else {
                throw InputError(
                    at: group.path, key: checksum.array,
                    expected: "\(checksum.elementType.rawValue) \(checksum.shape)",
                    found: "\(array.metadata.elementType.rawValue) \(array.shape)")
            }
            let digest = SHA256()
            try array.forEachBand(in: 0..<array.rowCount) { _, bytes in digest.update(bytes) }
            let found = digest.finish()
            guard found == checksum.sha256 else {
                throw InputError(
                    at: group.path, key: checksum.array, expected: "numbers with SHA-256 \(checksum.sha256)",
                    found: found, hint: "the copy is damaged or another edition: remove it and fetch it again")
            }
        }
    }
}
