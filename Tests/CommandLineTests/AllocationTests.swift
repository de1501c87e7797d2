import Foundation
import Testing

/// Allocations of repeated work, as counted by `AllocationProbe`.
@Suite struct AllocationTests {
    private struct Report: Decodable {
        struct Work: Decodable {
            let own: Int
            let library: [Int]
        }

        struct Growth: Decodable {
            let passes: Int
            let kibibytes: [Int]
        }

        let trainingSteps: Work
        let passes: Work
        let actions: Work
        let chunks: [String: Int]
        let warmChunks: [String: Int]
        let growth: Growth
    }

    @Test(
        .enabled(if: AllocationTests.counts, "the probe needs the GNU C library"),
        arguments: [("joints", 100_000), ("camera", 10_000), ("transformer", 20_000)])
    func warmWorkAllocatesNothing(kind: String, passes: Int) throws {
        let probe = CommandLineRun.executable.deletingLastPathComponent().appendingPathComponent("AllocationProbe")
        let outcome = try CommandLineRun([kind, "1", "\(passes)"], executable: probe).wait()
        try #require(outcome.status == 0, "\(outcome.errors)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let report = try decoder.decode(Report.self, from: Data(outcome.output.utf8))

        for work in [report.trainingSteps, report.passes, report.actions] {
            #expect(work.own == 0, "\(outcome.errors)")
            #expect(Set(work.library).count == 1, "the libraries' allocations differ between calls")
        }
        // Each chunk allocates its result and temporaries, regardless of the number of steps. This also shows that
        // the probe counts.
        for chunks in [report.chunks, report.warmChunks] {
            #expect(Set(chunks.values).count == 1 && chunks.values.allSatisfy { 1...20 ~= $0 })
        }
        let growth = try #require(report.growth.kibibytes.last) - report.growth.kibibytes[0]
        #expect(report.growth.passes == passes && growth <= 512, "\(growth) KiB")
    }

    private static var counts: Bool {
        #if canImport(Glibc)
            true
        #else
            false
        #endif
    }
}
