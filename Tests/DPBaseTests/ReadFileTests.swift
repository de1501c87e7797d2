import DPBase
import Foundation
import TestSupport
import Testing

@Suite struct ReadFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func readsUpToTheLimit() throws {
        let bytes = Data((0..<100).map { UInt8($0) })
        try bytes.write(to: folder("file"))
        #expect(try readFile(at: folder("file"), limit: 100) == bytes)
        #expect(
            message { _ = try readFile(at: folder("file"), limit: 99) }
                == "\(folder("file").path): expected at most 99 bytes, found 100")
    }

    @Test func neitherPipesNorDevicesAreRead() throws {
        #expect(mkfifo(folder("pipe").path, 0o600) == 0)
        for url in [folder("pipe"), URL(fileURLWithPath: "/dev/zero"), folder.url] {
            #expect(message { _ = try readFile(at: url, limit: 100) }.contains("expected a file"))
        }
        #expect(throws: FileSystemError.self) { try readFile(at: folder("none"), limit: 100) }
    }
}
