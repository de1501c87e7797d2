import CDPKernels
import Glibc
import Testing

/// A kernel that is called with arguments that would read or write outside its operands stops the process and names
/// itself and the violated precondition.
@Suite struct KernelPreconditionTests {
    private func check(_ result: ExitTest.Result?, names kernel: String) throws {
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(text.contains(kernel) && text.contains("does not hold"), "\(text)")
    }

    @Test func skinnyProductsHaveFewRows() async throws {
        let result = await #expect(processExitsWith: .signal(SIGABRT), observing: [\.standardErrorContent]) {
            var product = ck_skinny_gemm()
            product.rows = Int(ck_max_rows) + 1
            _ = ck_skinny_gemm_call(&product)
        }
        try check(result, names: "ck_require_skinny_gemm")
    }

    @Test func groupsDivideChannels() async throws {
        let result = await #expect(processExitsWith: .signal(SIGABRT), observing: [\.standardErrorContent]) {
            var norm = ck_group_norm()
            (norm.batch, norm.time, norm.channels, norm.groups) = (1, 4, 10, 4)
            ck_group_norm_forward(&norm, 1)
        }
        try check(result, names: "ck_group_norm_forward")
        let images = await #expect(processExitsWith: .signal(SIGABRT), observing: [\.standardErrorContent]) {
            var norm = ck_image_norm()
            (norm.batch, norm.pixels, norm.channels, norm.groups) = (1, 4, 10, 4)
            ck_image_norm_forward(&norm, 1)
        }
        try check(images, names: "ck_require_image_norm")
    }

    @Test func headsDivideTheWidth() async throws {
        let result = await #expect(processExitsWith: .signal(SIGABRT), observing: [\.standardErrorContent]) {
            var attention = ck_attention()
            (attention.batch, attention.queries, attention.keys) = (1, 2, 2)
            (attention.heads, attention.width) = (3, 16)
            ck_attention_forward(&attention, 1)
        }
        try check(result, names: "ck_require_attention")
    }

    @Test func cropsLieInsideTheirImage() async throws {
        let result = await #expect(processExitsWith: .signal(SIGABRT), observing: [\.standardErrorContent]) {
            var crops = ck_crops()
            (crops.height, crops.width, crops.part_height, crops.part_width, crops.channels) = (8, 8, 9, 4, 3)
            ck_crop(&crops, 1)
        }
        try check(result, names: "ck_crop")
    }

    @Test func poolingWindowsTouchTheImage() async throws {
        let result = await #expect(processExitsWith: .signal(SIGABRT), observing: [\.standardErrorContent]) {
            var pool = ck_max_pool()
            (pool.batch, pool.channels) = (1, 1)
            (pool.extent, pool.windows, pool.kernel, pool.stride) = ((4, 4), (3, 2), (2, 2), (2, 2))
            ck_max_pool_forward(&pool, 1)
        }
        try check(result, names: "ck_require_pool")
    }

    @Test func rowsOfSpatialSoftmaxExist() async throws {
        let result = await #expect(processExitsWith: .signal(SIGABRT), observing: [\.standardErrorContent]) {
            var softmax = ck_spatial_softmax()
            (softmax.batch, softmax.height, softmax.width, softmax.channels) = (1, 0, 4, 2)
            ck_spatial_softmax_forward(&softmax, 1)
        }
        try check(result, names: "ck_require_softmax")
    }
}
